import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { stockJson } from '../../sync/status.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { skuArg } from '../args.ts';
import { unknownSku, withBooks } from '../books.ts';
import { printLine } from '../print.ts';
import type { Invocation } from '../program.ts';
import { nearSku } from './stock-list.ts';

/** `stock rename`: lines, ledger and mappings follow by themselves, they know the SKU by its inner id. */
export function rename(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const [from = '', wanted = ''] = invocation.args;
  const to = skuArg(wanted);
  return withBooks(invocation, async (books) => {
    const { stock } = books.store;
    const outcome = await stock.rename(from, to, actorOf(invocation.options), invocation.io.now());
    if (outcome === 'unknown_sku') throw unknownSku(from, await nearSku(books, from));
    const row = await stock.get(to);
    if (outcome === 'taken' || row === null) {
      throw new AppError('sku_taken', `${to} is another SKU already`, {
        hint: 'two SKUs are never merged: choose another name',
      });
    }
    answer(invocation, { ...stockJson(row), renamed_from: from }, books.warnings, (io) =>
      printLine(io, `${from} is ${to} now; the old name keeps leading to it`),
    );
    return EXIT.ok;
  });
}
