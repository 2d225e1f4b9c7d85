import { EXIT, type ExitCode } from '../../errors.ts';
import type { Offer } from '../../stock/target.ts';
import type { ListingMode, ListingRow } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { choiceArg, unitsArg, usage } from '../args.ts';
import { withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { findListing, listingJson } from '../listing-json.ts';
import { printLine } from '../print.ts';
import { again } from './listings-map.ts';

interface Options extends ActorOptions {
  buffer?: string;
  percent?: string;
  max?: string;
  fixed?: string;
  mode?: string;
}

interface Settings {
  mode?: ListingMode;
  offer?: Partial<Offer>;
  fixed?: number | null;
}

/** `listings set` */
export function set(invocation: Invocation<Options>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [channel = '', listing = ''] = invocation.args;
  const settings = settingsOf(options);
  return withBooks(invocation, async (books) => {
    const row = await findListing(books, channel, listing);
    await books.store.listings.set(row.id, settings, actorOf(options), io.now());
    const after = await again(books, row);
    answer(invocation, listingJson(after), books.warnings, (to) =>
      printLine(to, `${row.channel} ${row.listingId}: ${settingsText(after)}`),
    );
    return EXIT.ok;
  });
}

function settingsOf(options: Options): Settings {
  const settings: Settings = {};
  if (options.mode !== undefined) settings.mode = choiceArg(options.mode, '--mode', ['on', 'off']);
  if (options.fixed !== undefined) settings.fixed = setting(options.fixed, '--fixed');
  const offer: Partial<Offer> = {};
  if (options.buffer !== undefined) offer.buffer = setting(options.buffer, '--buffer');
  if (options.percent !== undefined)
    offer.percent = setting(options.percent.replace(/%$/, ''), '--percent', 100);
  if (options.max !== undefined) offer.max = setting(options.max, '--max');
  if (Object.keys(offer).length > 0) settings.offer = offer;
  if (Object.keys(settings).length > 0) return settings;
  throw usage('nothing to set', 'give --buffer, --percent, --max, --fixed or --mode');
}

/** A number, or null for `default`: what the channel or the defaults say. */
function setting(text: string, name: string, max?: number): number | null {
  if (text === 'default') return null;
  return unitsArg(text, name, max === undefined ? { min: 0 } : { min: 0, max });
}

function settingsText(row: ListingRow): string {
  const { buffer, percent, max } = row.offer;
  const parts = [
    `mode ${row.mode}`,
    buffer === null ? '' : `buffer ${buffer}`,
    percent === null ? '' : `percent ${percent}`,
    max === null ? '' : `max ${max}`,
    row.fixed === null ? '' : `fixed ${row.fixed}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
