import type { PushLine, PushOutcome } from '../channel.ts';
import type { Due } from '../kit/write.ts';
import { plainText, shaped } from './answer.ts';
import type { Answered } from './api.ts';
import { batchAnswer, stockRow } from './schema.ts';
import { mostRowsPerWrite, type Shop } from './shop.ts';
import { unmanagedReason } from './stock.ts';

/** A line and the id under which its number is written: the parent's for a shared number. */
export interface WriteTarget extends Due {
  id: string;
}

interface Echo {
  managed: boolean | 'parent';
  quantity: number | null;
}

/**
 * Writes one group, an outcome per line: a single row by PUT, whose value the shop validates, more by batch,
 * whose rows fail one by one under HTTP 200 (WOO-5.3, WOO-O.3). Failures of the whole request are thrown.
 */
export async function writeRows(
  shop: Shop,
  path: string,
  targets: readonly WriteTarget[],
  signal: AbortSignal,
): Promise<Map<PushLine, PushOutcome>> {
  const [only] = targets;
  if (only !== undefined && targets.length === 1)
    return new Map([[only.line, await writeOne(shop, path, only, signal)]]);
  const body = { update: targets.map(({ line, id }) => ({ id: Number(id), stock_quantity: line.quantity })) };
  const answer = await shop.api.write('POST', { path: `${path}/batch`, signal, priority: 'push' }, body);
  const { update: rows } = shaped(batchAnswer, answer.json, 'batch', 'unknown');
  shop.learned.rowsPerWrite = Math.min(mostRowsPerWrite, shop.learned.rowsPerWrite + 5);
  return new Map(
    targets.map(({ line, id }, at) => {
      const row = rows.find((candidate) => candidate.id === id) ?? rows[at];
      return [line, row === undefined ? noRow : rowOutcome(line, row, answer)];
    }),
  );
}

const noRow: PushOutcome = { kind: 'unknown', error: 'the answer of the batch lacks this row' };

async function writeOne(
  shop: Shop,
  path: string,
  { line, id }: WriteTarget,
  signal: AbortSignal,
): Promise<PushOutcome> {
  const answer = await shop.api.write(
    'PUT',
    {
      path: `${path}/${id}`,
      query: [['_fields', 'id,manage_stock,stock_quantity']],
      signal,
      priority: 'push',
    },
    { stock_quantity: line.quantity },
  );
  const row = shaped(stockRow, answer.json, 'stock', 'unknown');
  return echoed(line, { managed: row.manage_stock, quantity: row.stock_quantity }, answer);
}

function rowOutcome(
  line: PushLine,
  row: {
    error?: { code: string; message: string } | undefined;
    manage_stock: boolean | 'parent';
    stock_quantity: number | null;
  },
  answer: Answered,
): PushOutcome {
  if (row.error !== undefined) {
    const error = `${row.error.code}: ${plainText(row.error.message)}`;
    return {
      kind: 'rejected',
      error,
      hint: 'run invsync listings import: the shop does not know this id here',
    };
  }
  return echoed(line, { managed: row.manage_stock, quantity: row.stock_quantity }, answer);
}

/**
 * The echo is the only proof: a write that did nothing answers 200 like one that worked (WOO-O.2). Another number than ours
 * means that a sale or a plugin was there at the same moment.
 */
function echoed(line: PushLine, echo: Echo, answer: Answered): PushOutcome {
  if (echo.managed !== true || echo.quantity === null) {
    return { kind: 'rejected', error: 'the shop dropped the number', hint: unmanagedReason };
  }
  if (echo.quantity === line.quantity) return { kind: 'applied', shown: line.quantity };
  const shown = Math.floor(echo.quantity);
  return { kind: 'conflict', shown, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
}
