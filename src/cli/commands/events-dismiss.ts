import { EXIT, type ExitCode } from '../../errors.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { deliveriesOf, deliveryJson, idsOf } from '../delivery-json.ts';
import { printLine } from '../print.ts';

/**
 * `invsync events dismiss ID…`: a person says that dead or kept-aside events need nothing, and that sales of unmapped ones
 * concern no SKU. While one is dead, nobody can say which listing it concerns, so nothing of its channel is raised.
 */
export function dismiss(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const ids = idsOf(invocation.args);
  const actor = actorOf(invocation.options);
  return withBooks(invocation, async (books) => {
    const before = await deliveriesOf(books, ids);
    const dismissed = await books.store.inbox.dismiss(ids, actor, invocation.io.now());
    const rows = await deliveriesOf(books, ids);
    answer(invocation, { dismissed, events: rows.map(deliveryJson) }, books.warnings, (to) => {
      printLine(to, `${dismissed} dismissed`);
      for (const row of before)
        if (row.status !== 'dead' && row.status !== 'unmapped' && row.dueAt !== null)
          printLine(to, `${row.id} is ${row.status}: there is nothing to dismiss`);
    });
    return dismissed === ids.length ? EXIT.ok : EXIT.partial;
  });
}
