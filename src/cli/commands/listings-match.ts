import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { resemblances } from '../../stock/sku.ts';
import type { Actor, RehearsalStep, Store } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { type Books, channelFilter, withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { consent, printLine, printTable } from '../print.ts';
import { heedBrakes, reachOf } from '../reach.ts';

interface Options extends ActorOptions {
  /** SKUs to make by name; an empty one stands for all that are missing and look like no known one. */
  create?: string[];
  overBrake?: boolean;
  yes?: boolean;
}

type Match = Awaited<ReturnType<Store['listings']['matches']>>[number];
/** What mapping it brings about. */
type Effect = Match & { lines: number; units: number };

const mostMatches = 100_000;
const rehearsedAtOnce = 200;

/** `listings match` */
export function match(invocation: Invocation<Options>): Promise<ExitCode> {
  const { io, options } = invocation;
  return withBooks(invocation, async (books) => {
    const wish = wishOf(books, invocation);
    const { channel } = wish;
    const { matches, resembling } = await wantedMatches(books, wish);
    const actor = actorOf(options);
    const effects = await effectsOf(books, matches, { actor, now: io.now() });
    const document = { ...documentOf(effects), resembling: resembling.map(resemblingJson) };
    const warnings = [...books.warnings, ...resembling.map(resemblingText)];
    if (matches.length > 0) {
      const known = matches.filter((each) => !each.create);
      const steps = known.map((each) => stepOf(each, actor));
      const reach = await reachOf(books, steps, io.now());
      const command = `listings match ${channel ?? ''}`.trim();
      await heedBrakes(books, reach, { command, overBrake: options.overBrake, now: io.now() });
      await consent(io, {
        yes: options.yes === true,
        json: invocation.json,
        question: `Map ${countText(matches.length, 'listing')}?`,
        plan: document,
        show: (to) => printMatches(to, effects),
      });
      await carryOut(books, matches, { actor, now: () => io.now() });
    }
    answer(invocation, document, warnings, (to) => {
      if (options.yes === true) printMatches(to, effects);
      printLine(
        to,
        matches.length === 0 ? 'nothing to match' : `${countText(matches.length, 'listing')} mapped`,
      );
    });
    return EXIT.ok;
  });
}

interface Wish {
  channel: string | null;
  /** `known`: no SKU is made. */
  create: 'known' | 'all' | 'named';
  names: string[];
}

/** `--create` may stand before the channel's name, which then looks like the SKU to make. */
function wishOf(books: Books, { args, options }: Invocation<Options>): Wish {
  const given = options.create ?? [];
  const names = given.filter((name) => name !== '');
  const taken = args[0] === undefined ? names.find((name) => isChannel(books, name)) : undefined;
  const channel = channelFilter(books, args[0] ?? taken).channel ?? null;
  const skus = names.filter((name) => name !== taken);
  const all = given.includes('') || taken !== undefined;
  return { channel, create: all ? 'all' : skus.length > 0 ? 'named' : 'known', names: skus };
}

function isChannel(books: Books, name: string): boolean {
  return books.channels.some((row) => row.name === name);
}

/** A match that is left out: its SKU would be made, and it looks like a known one. */
type Resembling = Match & { resembles: string };

async function wantedMatches(
  books: Books,
  wish: Wish,
): Promise<{ matches: Match[]; resembling: Resembling[] }> {
  const { listings, stock } = books.store;
  const found = await listings.matches(wish.channel, wish.create !== 'known', mostMatches);
  const sights = await stock.recognise(found.map((each) => each.sku));
  const matches: Match[] = [];
  const resembling: Resembling[] = [];
  const wanted = (each: Match) => !each.create || wish.create === 'all' || wish.names.includes(each.sku);
  const made = [...new Set(found.filter((each) => each.create).map((each) => each.sku))];
  const among = resemblances(made, made);
  for (const [index, each] of found.entries()) {
    // Of two new ones that look alike the first is made.
    const other = among.get(each.sku);
    const earlier = other !== undefined && made.indexOf(other) < made.indexOf(each.sku) ? other : null;
    const resembles = sights[index]?.resembles ?? earlier;
    if (each.create && resembles !== null && !wish.names.includes(each.sku))
      resembling.push({ ...each, resembles });
    else if (wanted(each)) matches.push(each);
  }
  return { matches, resembling };
}

function resemblingJson({ channel, listingId, sku, resembles }: Resembling) {
  return { channel, listing_id: listingId, sku, resembles };
}

function resemblingText({ channel, listingId, sku, resembles }: Resembling): string {
  const map = `invsync listings map ${channel} ${listingId} ${resembles}`;
  return `${channel} ${listingId}: ${sku} is not made because it looks like ${resembles}: ${map}, or listings match --create ${sku}`;
}

function stepOf(found: Match, actor: Actor): RehearsalStep {
  return { kind: 'map', listingRowId: found.listingRowId, parts: [{ sku: found.sku, units: 1 }], actor };
}

/** A SKU that is yet to be made has no count, so its sales keep waiting. */
async function effectsOf(
  books: Books,
  matches: readonly Match[],
  as: { actor: Actor; now: number },
): Promise<Effect[]> {
  const known = matches.filter((each) => !each.create);
  const effects = new Map<number, { lines: number; units: number }>();
  for (let at = 0; at < known.length; at += rehearsedAtOnce) {
    const part = known.slice(at, at + rehearsedAtOnce);
    const { mapped } = await books.store.rehearse(
      part.map((each) => stepOf(each, as.actor)),
      [],
      as.now,
    );
    mapped.forEach((effect, index) => {
      const found = part[index];
      if (found !== undefined && !('unknownSku' in effect)) effects.set(found.listingRowId, effect);
    });
  }
  return matches.map((each) => {
    const { lines, units } = effects.get(each.listingRowId) ?? { lines: 0, units: 0 };
    return { ...each, lines, units };
  });
}

async function carryOut(
  books: Books,
  matches: readonly Match[],
  as: { actor: Actor; now(): number },
): Promise<void> {
  const { listings } = books.store;
  for (const { sku, create, listingRowId } of matches) {
    if (create) await listings.createSku(sku, as.actor, as.now());
    await listings.map(listingRowId, [{ sku, units: 1 }], as.actor, as.now(), 'sku');
  }
}

function documentOf(effects: readonly Effect[]) {
  const matches = effects.map((each) => ({
    channel: each.channel,
    listing_id: each.listingId,
    sku: each.sku,
    created: each.create,
    lines: each.lines,
    units: each.units,
  }));
  return { matches };
}

function printMatches(io: Io, effects: readonly Effect[]): void {
  printTable(
    io,
    [
      { title: 'channel', value: (row) => row.channel },
      { title: 'listing', value: (row) => row.listingId },
      { title: 'sku', value: (row) => row.sku },
      { title: 'new', value: (row) => (row.create ? 'yes' : '') },
      { title: 'waiting sales', value: (row) => row.lines },
      { title: 'units that will count', value: (row) => row.units },
    ],
    effects,
  );
}
