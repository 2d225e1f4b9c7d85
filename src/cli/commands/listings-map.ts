import { EXIT, type ExitCode } from '../../errors.ts';
import type { ListingRow } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { unitsArg, usage } from '../args.ts';
import { type Books, channelNamed, unknownSku, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { findListing, listingJson, partsText } from '../listing-json.ts';
import { printLine } from '../print.ts';
import { nearSku } from './stock-list.ts';

interface Part {
  sku: string;
  units: number;
}

const mostParts = 100;

/** `listings map` */
export function map(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [channel = '', listing = '', ...words] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = await listingToMap(books, { channel, listing, now: io.now() });
    const parts = await partsOf(books, words);
    const effect = await books.store.listings.map(row.id, parts, actorOf(options), io.now());
    if ('unknownSku' in effect) throw unknownSku(effect.unknownSku, await nearSku(books, effect.unknownSku));
    const after = await again(books, row);
    const { lines, units } = effect;
    const document = { ...listingJson(after), before: row.parts.map((part) => ({ ...part })), lines, units };
    answer(invocation, document, [...books.warnings, ...mapWarnings(row)], (to) => {
      const before = row.parts.length === 0 ? 'nothing' : partsText(row.parts);
      printLine(to, `${row.channel} ${row.listingId}: ${before} -> ${partsText(parts)}`);
      if (lines > 0) printLine(to, `${lines} waiting sales count now: ${units} units`);
    });
    return EXIT.ok;
  });
}

/** A name that no catalogue brought but that sales wait under is a listing too, one that is gone. */
async function listingToMap(
  books: Books,
  named: { channel: string; listing: string; now: number },
): Promise<ListingRow> {
  const row = channelNamed(books, named.channel);
  const { listings } = books.store;
  const sales = await listings.waitingSales({ channel: row.name }, 100_000);
  const waits = sales.some((sale) => sale.name === named.listing);
  if (waits && (await listings.find(row.name, named.listing)) === null)
    await listings.adopt(row.id, named.listing, named.now);
  return findListing(books, named.channel, named.listing);
}

function mapWarnings(row: ListingRow): string[] {
  const warnings: string[] = [];
  if (row.unwritable !== null) warnings.push(`nothing can be pushed to it: ${row.unwritable}`);
  if (row.vanished) warnings.push('the channel did not list it the last time: it may be gone');
  return warnings;
}

/** `SKU` or `SKU=UNITS`; a SKU that itself contains = is found by its whole name. */
async function partsOf(books: Books, words: readonly string[]): Promise<Part[]> {
  if (words.length > mostParts) throw usage(`a listing has at most ${mostParts} parts`);
  const parts: Part[] = [];
  for (const word of words) {
    const found = /^(.+)=([^=]*)$/.exec(word);
    const whole = found === null || (await books.store.stock.get(word)) !== null;
    const part = whole
      ? { sku: word, units: 1 }
      : {
          sku: found[1] ?? '',
          units: unitsArg(found[2] ?? '', `the units of ${found[1]}`, { min: 1, max: 100_000 }),
        };
    if (parts.some((other) => other.sku === part.sku))
      throw usage(`the SKU ${part.sku} is named twice`, 'SKU=UNITS says how many');
    parts.push(part);
  }
  return parts;
}

/** `listings unmap` */
export function unmap(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [channel = '', listing = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = await findListing(books, channel, listing);
    await books.store.listings.unmap(row.id, actorOf(options), io.now());
    const document = {
      ...listingJson(await again(books, row)),
      before: row.parts.map((part) => ({ ...part })),
    };
    answer(invocation, document, books.warnings, (to) => {
      const before = row.parts.length === 0 ? 'had no SKU' : `was ${partsText(row.parts)}`;
      printLine(to, `${row.channel} ${row.listingId}: no SKU any more (${before})`);
    });
    return EXIT.ok;
  });
}

/** The listing after the change. */
export async function again(books: Books, row: ListingRow): Promise<ListingRow> {
  const found = await books.store.listings.find(row.channel, row.listingId);
  return found === null || found === 'ambiguous' ? row : found;
}
