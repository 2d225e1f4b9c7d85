import { countText, EXIT, type ExitCode } from '../../errors.ts';
import type { Actor, RehearsalStep, Store } from '../../store/store.ts';
import { type ActorOptions, actorOf } from '../actor.ts';
import { answer } from '../answer.ts';
import { type Books, channelFilter, withBooks } from '../books.ts';
import type { Io } from '../io.ts';
import { consent, printLine, printTable } from '../print.ts';
import type { Invocation } from '../program.ts';
import { heedBrakes, reachOf } from '../reach.ts';

interface Options extends ActorOptions {
  create?: boolean;
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
    const channel = channelFilter(books, invocation.args[0]).channel ?? null;
    const matches = await books.store.listings.matches(channel, options.create === true, mostMatches);
    const actor = actorOf(options);
    const effects = await effectsOf(books, matches, { actor, now: io.now() });
    const document = documentOf(effects);
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
    answer(invocation, document, books.warnings, (to) => {
      if (options.yes === true) printMatches(to, effects);
      printLine(
        to,
        matches.length === 0 ? 'nothing to match' : `${countText(matches.length, 'listing')} mapped`,
      );
    });
    return EXIT.ok;
  });
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
    await listings.map(listingRowId, [{ sku, units: 1 }], as.actor, as.now());
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
