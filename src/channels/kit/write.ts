import type { PushLine, PushOutcome, StockReading } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { lineOutcome, unsentOutcome } from './outcomes.ts';
import { beforeWriting } from './refusal.ts';

/** A line that may be written, with what its request needs. */
export interface Due {
  line: PushLine;
}

/** What is particular about a platform's writes. */
export interface WritePlan<D extends Due> {
  maxQuantity: number;
  /** Why a line is not even asked for: it would harm, or spoil its batch. */
  refusal?(line: PushLine): { error: string; hint: string } | null;
  /** Parts of which each is read right before it is written; default: all are read at once. */
  groups?(lines: readonly PushLine[]): PushLine[][];
  /** Reads what is there: an outcome for lines that need no write, else what is to be written. */
  read(lines: PushLine[]): Promise<Map<PushLine, D | PushOutcome>>;
  /** One request. Outcomes of the lines that the answer names; throws `ChannelError` when it failed as a whole. */
  write(rows: D[]): Promise<Map<PushLine, PushOutcome>>;
  /** Rows of each request, as many as the platform takes at once. */
  batches(due: readonly D[]): D[][];
  /** Whether a failed request may be good in halves; default: when it was rejected. */
  isForHalves?(failure: ChannelError): boolean;
}

/**
 * Read, compare, write, as many at a time as the platform takes. A request that is refused as a whole is halved down to the
 * row that spoils it; a row that the answer leaves out is sent once more by itself. After any failure but a rejection nothing
 * more is sent. Failures become outcomes, one for each line and in order: nothing is thrown.
 */
export async function writeInBatches<D extends Due>(
  lines: readonly PushLine[],
  plan: WritePlan<D>,
): Promise<PushOutcome[]> {
  const outcomes = new Map<PushLine, PushOutcome>();
  const sound = lines.filter((line) => {
    const why = quantityRefusal(line, plan.maxQuantity) ?? plan.refusal?.(line) ?? null;
    if (why !== null) outcomes.set(line, { kind: 'rejected', ...why });
    return why === null;
  });
  let stop: ChannelError | null = null;
  for (const group of plan.groups?.(sound) ?? [sound]) {
    if (stop === null) stop = await writeGroup(group, plan, outcomes);
    else for (const line of group) outcomes.set(line, unsentOutcome(stop));
  }
  return lines.map((line) => outcomes.get(line) ?? { kind: 'retry', error: 'not sent' });
}

/** Why a quantity is never sent. */
export function quantityRefusal(
  { quantity }: Pick<PushLine, 'quantity'>,
  maxQuantity: number,
): { error: string; hint: string } | null {
  if (Number.isInteger(quantity) && quantity >= 0 && quantity <= maxQuantity) return null;
  return { error: `${quantity} is no quantity`, hint: `set a whole number from 0 to ${maxQuantity}` };
}

/** Answers the failure after which nothing more is sent. */
async function writeGroup<D extends Due>(
  lines: PushLine[],
  plan: WritePlan<D>,
  outcomes: Map<PushLine, PushOutcome>,
): Promise<ChannelError | null> {
  if (lines.length === 0) return null;
  try {
    const found = await plan.read(lines);
    const due = lines.flatMap((line) => {
      const each = found.get(line);
      if (each !== undefined && 'line' in each) return [each];
      outcomes.set(line, each ?? { kind: 'retry', error: 'not read' });
      return [];
    });
    return await writeAll(due, plan, outcomes);
  } catch (error) {
    const outcome = lineOutcome(beforeWriting(error));
    for (const line of lines) outcomes.set(line, outcome);
    return error instanceof ChannelError && !isRejected(error) ? error : null;
  }
}

const leftOut: PushOutcome = { kind: 'retry', error: 'the platform’s answer leaves this line out' };

async function writeAll<D extends Due>(
  due: readonly D[],
  plan: WritePlan<D>,
  outcomes: Map<PushLine, PushOutcome>,
): Promise<ChannelError | null> {
  const { isForHalves = isRejected } = plan;
  const queue = plan.batches(due).map((rows) => ({ rows, retriesLeftOut: true }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { rows, retriesLeftOut } = next;
    const failure = await writeOnce(rows, plan, outcomes);
    if (failure === null) {
      const left = rows.filter(({ line }) => !outcomes.has(line));
      if (retriesLeftOut && rows.length > 1)
        queue.push(...left.map((row) => ({ rows: [row], retriesLeftOut: false })));
      else for (const { line } of left) outcomes.set(line, leftOut);
      continue;
    }
    if (rows.length > 1 && isForHalves(failure)) {
      const half = Math.ceil(rows.length / 2);
      queue.unshift({ ...next, rows: rows.slice(0, half) }, { ...next, rows: rows.slice(half) });
      continue;
    }
    for (const { line } of rows) outcomes.set(line, lineOutcome(failure));
    if (isRejected(failure)) continue;
    for (const { rows: rest } of queue.splice(0))
      for (const { line } of rest) outcomes.set(line, unsentOutcome(failure));
    return failure;
  }
  return null;
}

function isRejected({ kind }: ChannelError): boolean {
  return kind === 'rejected';
}

async function writeOnce<D extends Due>(
  rows: D[],
  plan: WritePlan<D>,
  outcomes: Map<PushLine, PushOutcome>,
): Promise<ChannelError | null> {
  try {
    for (const [line, outcome] of await plan.write(rows)) outcomes.set(line, outcome);
    return null;
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
}

/**
 * What a live reading says to a line before it is written: `rejected` where there is no number that may be written,
 * `conflict` where it is not the expected one; null: write it. A line with base null is written over whatever is there.
 */
export function compared(
  line: PushLine,
  reading: Omit<StockReading, 'listingId'>,
  hint: string,
): PushOutcome | null {
  const { state, shown, detail, askedAt, answeredAt } = reading;
  if (state !== 'ok') return { kind: 'rejected', error: detail ?? state, hint };
  if (line.base === null || shown === line.base) return null;
  return { kind: 'conflict', shown, askedAt, answeredAt };
}

/** Parts of at most `size` that share a key. */
export function groupsOf<T>(all: readonly T[], keyOf: (each: T) => string, size: number): T[][] {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return [...groups.values()].flatMap((group) => chunksOf(group, size));
}

/** Parts of at most `size`, in order. */
export function chunksOf<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < all.length; at += size) chunks.push(all.slice(at, at + size));
  return chunks;
}
