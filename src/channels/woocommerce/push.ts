import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Span } from '../kit/reading.ts';
import { Refusal } from '../kit/refusal.ts';
import { type Due as AnyDue, compared, groupsOf, writeInBatches } from '../kit/write.ts';
import { plainText } from './answer.ts';
import { capabilities } from './capabilities.ts';
import { idsOf, type ReadRow, readRows } from './rows.ts';
import { batchAnswer, type StockRow, stockRow } from './schema.ts';
import type { Shop } from './shop.ts';
import { sharesParent, stateOf, unmanagedReason } from './stock.ts';

/** A line and the id under which its number is written: the parent's for a shared number. */
interface Due extends AnyDue {
  id: string;
}

/**
 * Sets numbers: read, compare with `base`, write, compare the echo (WOO-5.5). WooCommerce has no compare-and-set, so
 * each group is read right before its own write and the window for a lost sale is one round trip. After a failure that
 * concerns the whole shop the rest is not sent.
 */
export function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  return writeInBatches<Due>(lines, {
    // A batch does not validate: "abc" and null silently become 0 (WOO-O.2), so that only counts may leave here.
    maxQuantity: capabilities.maxQuantity,
    groups: (sound) => groupsOf(sound, groupOf, shop.learned.rowsPerWrite),
    async read(wanted) {
      const ids = wanted.map(({ listingId }) => idsOf(listingId));
      const rows = await readRows(shop, ids, { priority: 'push', signal });
      return new Map(wanted.map((line) => [line, dueOf(line, rows.get(idsOf(line.listingId).id))]));
    },
    batches: (due) => [[...due]],
    write: (due) => learning(shop, due, () => write(shop, due, signal)),
    isForHalves: isTooLarge,
  });
}

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

function dueOf(line: PushLine, read: ReadRow | undefined): Due | PushOutcome {
  if (read === undefined) return { kind: 'retry', error: 'not read' };
  const reading = stateOf(line, read);
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

/** Fits the size of the next batches to what became of this one. */
async function learning<T>({ learned }: Shop, due: readonly Due[], work: () => Promise<T>): Promise<T> {
  try {
    const done = await work();
    if (due.length > 1) learned.rowsPerWrite = Math.min(capabilities.batchSize, learned.rowsPerWrite + 5);
    return done;
  } catch (error) {
    if (isTooLarge(error)) learned.rowsPerWrite = Math.ceil(due.length / 2);
    if (error instanceof ChannelError && error.kind === 'unknown')
      learned.rowsPerWrite = Math.max(1, Math.floor(learned.rowsPerWrite / 2));
    throw error;
  }
}

/** 413: the site allows fewer rows than 100 (a filter), and nothing of the batch was done (WOO-O.3). */
function isTooLarge(error: unknown): boolean {
  return error instanceof Refusal && error.status === 413;
}

/**
 * Writes one group, an outcome per line: a single row by PUT, whose value the shop validates, more by batch,
 * whose rows fail one by one under HTTP 200 (WOO-5.3, WOO-O.3). Failures of the whole request are thrown.
 */
async function write(
  shop: Shop,
  due: readonly Due[],
  signal: AbortSignal,
): Promise<Map<PushLine, PushOutcome>> {
  const [only] = due;
  if (only === undefined) return new Map();
  const path = pathOf(only.line);
  if (due.length === 1) {
    const query = { _fields: 'id,manage_stock,stock_quantity' };
    const body = { stock_quantity: only.line.quantity };
    const answer = await shop.api.call(
      { method: 'PUT', path: `${path}/${only.id}`, query, body, data: stockRow, priority: 'push' },
      signal,
    );
    return new Map([[only.line, echoed(only.line, answer.data, answer)]]);
  }
  const body = { update: due.map(({ line, id }) => ({ id: Number(id), stock_quantity: line.quantity })) };
  const answer = await shop.api.call(
    { method: 'POST', path: `${path}/batch`, body, data: batchAnswer, priority: 'push' },
    signal,
  );
  const rows = answer.data.update;
  return new Map(
    due.map(({ line, id }, at) => {
      const row = rows.find((candidate) => candidate.id === id) ?? rows[at];
      return [line, row === undefined ? noRow : echoed(line, row, answer)];
    }),
  );
}

const noRow: PushOutcome = { kind: 'unknown', error: 'the answer of the batch lacks this row' };

/**
 * The echo is the only proof: a write that did nothing answers 200 like one that worked (WOO-O.2). Another number than ours
 * means that a sale or a plugin was there at the same moment.
 */
function echoed(
  line: PushLine,
  row: Pick<StockRow, 'manage_stock' | 'stock_quantity'> & {
    error?: { code: string; message: string } | undefined;
  },
  { askedAt, answeredAt }: Span,
): PushOutcome {
  const { error, stock_quantity: quantity } = row;
  if (error !== undefined)
    return {
      kind: 'rejected',
      error: `${error.code}: ${plainText(error.message)}`,
      hint: 'run invsync listings import: the shop does not know this id here',
    };
  if (row.manage_stock !== true || quantity === null)
    return { kind: 'rejected', error: 'the shop dropped the number', hint: unmanagedReason };
  if (quantity === line.quantity) return { kind: 'applied', shown: quantity };
  return { kind: 'conflict', shown: Math.floor(quantity), askedAt, answeredAt };
}
