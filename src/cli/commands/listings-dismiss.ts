import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { channelNamed, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { printLine } from '../print.ts';

/** `listings dismiss CHANNEL ORDER…`: a person says that sales without a SKU concern none of ours. */
export function dismiss(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [named = '', ...orders] = invocation.args;
  return withBooks(invocation, async (books) => {
    const channel = channelNamed(books, named);
    const settled = await books.store.listings.dismissSales(channel.id, orders, actorOf(options), io.now());
    if (settled.lines === 0) {
      throw new AppError(
        'nothing_waits',
        `no sale of ${orders.join(', ')} on ${channel.name} waits for a SKU`,
        {
          hint: `invsync listings unmatched ${channel.name} shows those that do`,
        },
      );
    }
    const document = { channel: channel.name, orders, ...settled };
    answer(invocation, document, books.warnings, (to) =>
      printLine(to, `${settled.lines} sales (${settled.units} units) are settled without a SKU`),
    );
    return EXIT.ok;
  });
}
