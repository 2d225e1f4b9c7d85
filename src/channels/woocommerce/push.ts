import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { unsentOutcome } from '../kit/outcomes.ts';
import { Refusal } from '../kit/refusal.ts';
import { compared, groupsOf, writeInBatches } from '../kit/write.ts';
import { idsOf } from './facts.ts';
import { type ReadRow, readRows } from './rows.ts';
import { mostRowsPerWrite, type Shop } from './shop.ts';
import { sharesParent, stateOf, unmanagedReason } from './stock.ts';
import { type WriteTarget, writeRows } from './write.ts';

/** Highest number that a shop was seen to keep exactly is beyond this (WOO-O.2); this one fits every column. */
export const maxQuantity = 2_147_483_647;

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
  let stop: ChannelError | null = null;
  for (const group of groupsOf(lines, groupOf, shop.learned.rowsPerWrite)) {
    const settled: PushOutcome[] = await (stop === null
      ? writeGroup(shop, group, signal, (error) => {
          stop = error;
        })
      : group.map(() => unsentOutcome(stop as ChannelError)));
    for (const [at, line] of group.entries()) outcomes.set(line, settled[at] ?? unsent);
  }
  return lines.map((line) => outcomes.get(line) ?? unsent);
}

const unsent: PushOutcome = { kind: 'retry', error: 'not sent' };

/** What one request can write: products, the variations of one parent, or the number that variations share with one. */
function groupOf(line: PushLine): string {
  const { parentId } = idsOf(line.listingId);
  return `${pathOf(line)} ${sharesParent(line) ? parentId : ''}`;
}

/** A shared number is read at the variation and written at the parent. */
function pathOf(line: PushLine): string {
  const { parentId } = idsOf(line.listingId);
  return parentId === null || sharesParent(line) ? '/products' : `/products/${parentId}/variations`;
}

function writeGroup(
  shop: Shop,
  group: PushLine[],
  signal: AbortSignal,
  stopped: (error: ChannelError) => void,
): Promise<PushOutcome[]> {
  const { learned } = shop;
  const noting = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof ChannelError && error.kind !== 'rejected') stopped(error);
      throw error;
    }
  };
  return writeInBatches<WriteTarget>(group, {
    // A batch does not validate: "abc" and null silently become 0 (WOO-O.2), so that only counts may leave here.
    maxQuantity,
    async read(wanted) {
      const ids = wanted.map(({ listingId }) => idsOf(listingId));
      const rows = await noting(readRows(shop, ids, { priority: 'push', signal }));
      return new Map(wanted.map((line) => [line, dueOf(line, rows.get(idsOf(line.listingId).id))]));
    },
    batches: (due) => [[...due]],
    async write(targets) {
      const [first] = targets;
      if (first === undefined) return new Map();
      try {
        return await noting(writeRows(shop, pathOf(first.line), targets, signal));
      } catch (error) {
        const half = Math.max(1, Math.ceil(targets.length / 2));
        if (isTooLarge(error)) learned.rowsPerWrite = Math.min(half, mostRowsPerWrite);
        if (error instanceof ChannelError && error.kind === 'unknown')
          learned.rowsPerWrite = Math.max(1, Math.floor(learned.rowsPerWrite / 2));
        throw error;
      }
    },
    isForHalves: isTooLarge,
  });
}

function dueOf(line: PushLine, read: ReadRow | undefined): WriteTarget | PushOutcome {
  if (read === undefined) return { kind: 'retry', error: 'not read' };
  const reading = { ...stateOf(line, read), askedAt: read.askedAt, answeredAt: read.answeredAt };
  const settled = compared(line, reading, hintFor(reading));
  if (settled !== null) return settled;
  // Each write queues background jobs in the shop (WOO-O.8); what is there already need not be written.
  const { shown } = reading;
  if (line.base !== null && shown === line.quantity) return { kind: 'applied', shown };
  const { id, parentId } = idsOf(line.listingId);
  return { line, id: sharesParent(line) && parentId !== null ? parentId : id };
}

function hintFor({ state, detail }: { state: string; detail: string | null }): string {
  if (state === 'not-listed') return 'run invsync listings import, or unmap the listing';
  return state === 'untracked' ? unmanagedReason : (detail ?? 'run invsync listings import');
}

/** 413: the site allows fewer rows than 100 (a filter), and nothing of the batch was done (WOO-O.3). */
function isTooLarge(error: unknown): boolean {
  return error instanceof Refusal && error.status === 413;
}
