import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { idsOf } from './facts.ts';
import { type ReadRow, readRows } from './rows.ts';
import { mostRowsPerWrite, type Shop } from './shop.ts';
import { sharesParent, stateOf, unmanagedReason } from './stock.ts';
import { type WriteTarget, writeRows } from './write.ts';

/** Highest number that a shop was seen to keep exactly is beyond this (O.2); this one fits every column. */
export const maxQuantity = 2_147_483_647;

/** Lines that one request can write: products, the variations of one parent, or the number of one parent. */
interface Group {
  path: string;
  targets: WriteTarget[];
}

/**
 * Sets numbers: read, compare with `base`, write, compare the echo (WOO-5.5). WooCommerce has no compare-and-set, so
 * each group is read right before its own write and the window for a lost sale is one round trip. After a failure that
 * concerns the whole shop the rest is not sent.
 */
export async function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const outcomes = new Map<PushLine, PushOutcome>();
  const sound = lines.filter((line) => {
    const fault = faultOf(line);
    if (fault !== null) outcomes.set(line, fault);
    return fault === null;
  });
  const queue = groupsOf(sound, shop.learned.rowsPerWrite);
  let stop: ChannelError | null = null;
  for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
    if (stop !== null) {
      for (const { line } of group.targets) outcomes.set(line, unsent(stop));
      continue;
    }
    try {
      const due = await dueIn(shop, group, outcomes, signal);
      if (due.length > 0) await writeRows(shop, group.path, due, outcomes, signal);
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      if (tooLarge(error) && group.targets.length > 1) {
        queue.unshift(...halves(shop, group, outcomes));
        continue;
      }
      stop = settle(shop, error, group, outcomes);
    }
  }
  return lines.map((line) => outcomes.get(line) ?? { kind: 'retry', error: 'not sent' });
}

/** A batch does not validate: "abc" and null silently become 0 (O.2), so that nothing but counts may leave here. */
function faultOf(line: PushLine): PushOutcome | null {
  if (Number.isInteger(line.quantity) && line.quantity >= 0 && line.quantity <= maxQuantity) return null;
  const hint = `set a whole number from 0 to ${maxQuantity}`;
  return { kind: 'rejected', error: `${line.quantity} is no quantity`, hint };
}

function groupsOf(lines: readonly PushLine[], rows: number): Group[] {
  const groups = new Map<string, Group>();
  for (const line of lines) {
    const { id, parentId } = idsOf(line.listingId);
    const shared = sharesParent(line) && parentId !== null;
    const path = parentId === null || shared ? '/products' : `/products/${parentId}/variations`;
    // A shared number is read at the variation and written at the parent: a group of its own.
    const key = shared ? `${path}/${parentId}` : path;
    const group = groups.get(key) ?? { path, targets: [] };
    group.targets.push({ line, id: shared ? parentId : id });
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ path, targets }) => {
    const parts: Group[] = [];
    for (let at = 0; at < targets.length; at += rows)
      parts.push({ path, targets: targets.slice(at, at + rows) });
    return parts;
  });
}

/** Reads the group's rows now and keeps the targets whose number is still the expected one. */
async function dueIn(
  shop: Shop,
  group: Group,
  outcomes: Map<PushLine, PushOutcome>,
  signal: AbortSignal,
): Promise<WriteTarget[]> {
  const wanted = group.targets.map(({ line }) => idsOf(line.listingId));
  const rows = await readRows(shop, wanted, { priority: 'push', signal }).catch((error: unknown) => {
    throw error instanceof ChannelError && error.kind === 'unknown' ? nothingWritten(error) : error;
  });
  return group.targets.filter(({ line }) => {
    const read = rows.get(idsOf(line.listingId).id);
    const settled = read === undefined ? null : alreadySettled(line, read);
    if (settled !== null) outcomes.set(line, settled);
    return settled === null && read !== undefined;
  });
}

function alreadySettled(line: PushLine, read: ReadRow): PushOutcome | null {
  const { shown, state, detail } = stateOf(line, read);
  if (state === 'not-listed') {
    return {
      kind: 'rejected',
      error: detail ?? state,
      hint: 'run invsync listings import, or unmap the listing',
    };
  }
  if (state !== 'ok') return { kind: 'rejected', error: detail ?? state, hint: unmanagedHint(state, detail) };
  if (line.base === null) return null;
  if (shown !== line.base) {
    return { kind: 'conflict', shown, askedAt: read.askedAt, answeredAt: read.answeredAt };
  }
  // Each write queues background jobs in the shop (O.8); what is there already need not be written.
  return shown === line.quantity ? { kind: 'applied', shown } : null;
}

function unmanagedHint(state: string, detail: string | null): string {
  return state === 'untracked' ? unmanagedReason : (detail ?? 'run invsync listings import');
}

/** A read without an answer has written nothing. */
function nothingWritten(error: ChannelError): ChannelError {
  return new ChannelError('retry', error.message, { hint: error.hint, cause: error });
}

function tooLarge(error: ChannelError): boolean {
  return 'status' in error && error.status === 413;
}

/** 413: the site allows fewer rows than 100 (a filter), and nothing of the batch was done (O.3). */
function halves(shop: Shop, group: Group, outcomes: Map<PushLine, PushOutcome>): Group[] {
  const targets = group.targets.filter(({ line }) => !outcomes.has(line));
  const half = Math.max(1, Math.ceil(targets.length / 2));
  shop.learned.rowsPerWrite = Math.min(half, mostRowsPerWrite);
  return [targets.slice(0, half), targets.slice(half)]
    .filter((part) => part.length > 0)
    .map((part) => ({ path: group.path, targets: part }));
}

/** Books a failed request on the group's lines; returns it when it concerns every later request too. */
function settle(
  shop: Shop,
  error: ChannelError,
  group: Group,
  outcomes: Map<PushLine, PushOutcome>,
): ChannelError | null {
  if (error.kind === 'unknown') {
    shop.learned.rowsPerWrite = Math.max(1, Math.floor(shop.learned.rowsPerWrite / 2));
  }
  for (const { line } of group.targets) {
    if (!outcomes.has(line)) outcomes.set(line, outcomeOf(error));
  }
  return error.kind === 'rejected' ? null : error;
}

function outcomeOf(error: ChannelError): PushOutcome {
  const text = error.message;
  if (error.kind === 'throttled') return { kind: 'throttled', error: text, afterMs: error.afterMs ?? 5_000 };
  if (error.kind === 'rejected') {
    return { kind: 'rejected', error: text, hint: error.hint || 'run invsync listings import' };
  }
  if (error.kind === 'auth') return { kind: 'auth', error: `${text}. ${error.hint}`.trim() };
  if (error.kind === 'unknown') return { kind: 'unknown', error: text };
  return { kind: 'retry', error: text };
}

function unsent(error: ChannelError): PushOutcome {
  if (error.kind === 'unknown') return { kind: 'retry', error: `not sent: ${error.message}` };
  return outcomeOf(error);
}
