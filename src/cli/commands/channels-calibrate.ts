import { iso } from '../../clock.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { askEngine } from '../ask.ts';
import { channelNamed, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';
import { calibrateResult } from '../results.ts';

/** `channels calibrate`: the first run notes the numbers, later ones say what they mean. */
export function calibrate(invocation: Invocation<object>): Promise<ExitCode> {
  const [named = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const { name } = channelNamed(books, named);
    const told = calibrateResult.parse(await askEngine(invocation.io, books, 'calibrate', { channel: name }));
    const sights = told.sights.map(({ listingId, ...sight }) => ({ listing_id: listingId, ...sight }));
    const { channel, state, basis, configured, listings, hint } = told;
    const document = { channel, state, basis, configured, listings, since: iso(told.since), sights, hint };
    answer(invocation, document, books.warnings, (io) => {
      if (sights.length > 0) {
        printTable(
          io,
          [
            { title: 'listing', value: (row) => row.listing_id },
            { title: 'was', value: (row) => row.written },
            { title: 'sold', value: (row) => row.sold },
            { title: 'released', value: (row) => row.released },
            { title: 'shipped', value: (row) => row.shipped },
            { title: 'shows', value: (row) => row.shown },
            { title: 'says', value: (row) => row.verdict },
          ],
          sights,
        );
      }
      const words = {
        noted: `${channel}: ${countText(listings, 'number')} noted`,
        waiting: `${channel}: nothing has happened since ${iso(told.since)}`,
        unclear: `${channel}: not clear yet`,
        clear: `${channel}: its numbers are ${basis} (${basis === 'net' ? 'without' : 'with'} its open orders)`,
      };
      printLine(io, `${words[state]}; ${hint}`);
    });
    return state === 'clear' || state === 'noted' ? EXIT.ok : EXIT.partial;
  });
}
