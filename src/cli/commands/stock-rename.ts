import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { normalSku } from '../../stock/sku.ts';
import { stockJson } from '../../sync/status.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { type Books, unknownSku, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { type CreateOptions, nameToUse } from '../new-sku.ts';
import { printLine } from '../print.ts';
import { nearSku } from './stock-list.ts';

/** `stock rename`: lines, ledger and mappings follow by themselves, they know the SKU by its inner id. */
export function rename(invocation: Invocation<ActorOptions & CreateOptions>): Promise<ExitCode> {
  const [from = '', wanted = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const { stock } = books.store;
    const to = await newName(invocation, books, { from, wanted });
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

/** A SKU may take a name that looks like its own: that is how a name is mended. */
async function newName(
  invocation: Invocation<CreateOptions>,
  books: Books,
  names: { from: string; wanted: string },
): Promise<string> {
  const [old, sight] = await books.store.stock.recognise([names.from, names.wanted]);
  if (sight?.fault === null && sight.resembles !== null && sight.resembles === old?.sku) return sight.sku;
  // A former name of its own, or the name of another SKU, is for the store to judge.
  if (sight?.known === true) return normalSku(names.wanted);
  return nameToUse(invocation, books, names.wanted);
}
