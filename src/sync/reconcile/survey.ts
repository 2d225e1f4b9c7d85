import type { StockReading } from '../../channels/channel.ts';
import { iso } from '../../clock.ts';
import { classify, type Verdict } from '../../stock/classify.ts';
import type { Evidence } from '../../stock/drift.ts';
import { allListings, type ChannelRow, type CounterView, counterPages } from '../../store/store.ts';
import { countPresent } from '../account/catalogue.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { forecastOf } from '../forecast.ts';
import { bookingOf } from '../outbound/readback.ts';
import type { PlanLine } from '../plan.ts';
import { driftContext } from '../push-context.ts';
import { callReadStock, refOf } from '../reading.ts';
import { mostExpected, noteRise } from '../rises.ts';
import type { OrdersFirst } from './orders.ts';

const pageSize = 200;

/** What a survey of one channel looks at. */
export interface SurveyWish {
  row: ChannelRow;
  live: LiveChannel;
  /** Only these counters; null: all of them. */
  counterIds: number[] | null;
  /** Write down what was seen. Off for a dry run. */
  book: 'book' | 'dry';
  first: OrdersFirst;
  evidence: Omit<Evidence, 'clouded'>;
  /** When a saved plan first saw these counters too low: their proof counts from there. */
  lowSince: ReadonlyMap<number, { since: number; number: number }>;
  /** Told of what the read will take, and how far it is. */
  progress?: ((text: string) => void) | undefined;
}

/** A line with what correcting it needs to know. */
export interface SurveyLine {
  line: PlanLine;
  verdict: Verdict;
}

/** One channel, read live and judged. */
export interface Survey {
  lines: SurveyLine[];
  /** Counters that should show a number, and those of them that could be read. */
  mapped: number;
  readable: number;
  /** Listings that the channel no longer has. */
  missing: string[];
  /** Numbers in sync that are counted but not listed, so that a large catalogue fits into little memory. */
  quiet: number;
}

/**
 * Reads what a channel shows, page by page, and judges each number by what the store knows after the read. Throws
 * `ChannelError`.
 */
export async function survey(engine: Engine, wish: SurveyWish, signal: AbortSignal): Promise<Survey> {
  const codes = await skuCodes(engine, wish.row.name);
  const result: Survey = { lines: [], mapped: 0, readable: 0, missing: [], quiet: 0 };
  const { live, progress } = wish;
  const forecast = forecastOf(live, await countToRead(engine, wish));
  progress?.(`reading ${live.name}${forecast.plan === '' ? '' : `: ${forecast.plan}`}`);
  for await (const page of pagesOf(engine, wish)) {
    const wanted = page.filter(isKept);
    if (wanted.length === 0) continue;
    const readings = await callReadStock(wish.live, wanted, signal);
    const views = await viewsNow(engine, wish, wanted);
    const judged = views.flatMap((view) => {
      const reading = readings.get(view.counterId);
      return reading === undefined ? [] : [judge(wish, view, reading, codes.get(view.counterId) ?? null)];
    });
    for (const { line, verdict, reading, gone } of judged) {
      const there = reading.shown !== null || reading.state !== 'not-listed';
      if (gone && !there) continue;
      if (isQuiet(line, verdict) && result.lines.length >= mostListed) result.quiet += 1;
      else result.lines.push({ line, verdict });
      result.mapped += 1;
      if (there) result.readable += 1;
      else result.missing.push(line.listing_id);
    }
    progress?.(`${live.name}: ${result.mapped} numbers read${forecast.left(result.mapped)}`);
    if (wish.book === 'dry') continue;
    const bookings = judged.map((each) => bookingOf(each.line.counter_id, each.reading, each.verdict));
    await engine.store.outbox.read(bookings, engine.clock.now());
    for (const { line, reading, verdict } of judged) {
      const view = views.find((each) => each.counterId === line.counter_id);
      if (view === undefined) continue;
      const { shown, askedAt } = reading;
      noteRise(engine, live, view, { shown, expected: mostExpected(view, verdict), askedAt });
    }
  }
  return result;
}

/** Beyond so many lines those with nothing to say are left out. */
const mostListed = 2_000;

function isQuiet(line: PlanLine, verdict: Survey['lines'][number]['verdict']): boolean {
  return line.cause === 'in sync' && verdict.action === 'none' && verdict.low === null;
}

/** About how many listings the survey will ask for; not counted where the channel has no use for it. */
async function countToRead(engine: Engine, { live, counterIds }: SurveyWish): Promise<number> {
  if (counterIds !== null) return counterIds.length;
  return live.channel.forecast === undefined ? 0 : await countPresent(engine, live);
}

/** A counter without a mapped, switched-on listing is nobody's business here. */
function isKept(view: CounterView): boolean {
  return view.target.kind !== 'unmapped' && view.listings.some((listing) => listing.mode === 'on');
}

async function* pagesOf(engine: Engine, wish: SurveyWish): AsyncIterable<CounterView[]> {
  const { outbox } = engine.store;
  if (wish.counterIds !== null) {
    for (let at = 0; at < wish.counterIds.length; at += pageSize) {
      const views = await outbox.view(wish.counterIds.slice(at, at + pageSize));
      yield views.filter((view) => view.channelId === wish.live.id);
    }
    return;
  }
  yield* counterPages(engine.store, wish.live.id, pageSize);
}

/** The counters as they are after the read: a push that was answered meanwhile is in them. */
async function viewsNow(engine: Engine, wish: SurveyWish, page: CounterView[]): Promise<CounterView[]> {
  const views = await engine.store.outbox.view(page.map((view) => view.counterId));
  return views.map((view) => {
    const rehearsed = wish.first.rehearsed.get(view.counterId);
    const seen = rehearsed === undefined ? view : { ...view, target: rehearsed.target, own: rehearsed.own };
    const low = wish.lowSince.get(view.counterId);
    if (low === undefined || seen.lowSince !== null) return seen;
    return { ...seen, lowSince: low.since, lowNumber: low.number };
  });
}

function judge(
  wish: SurveyWish,
  view: CounterView,
  reading: StockReading,
  sku: string | null,
): SurveyLine & { reading: StockReading; gone: boolean } {
  const orders = wish.first.ordersOf.get(view.counterId) ?? [];
  const verdict = classify(view, reading, {
    ...driftContext(wish.row, wish.live),
    evidence: { ...wish.evidence, clouded: view.clouded },
    learned: orders.length,
  });
  const line: PlanLine = {
    channel: wish.row.name,
    listing_id: refOf(view).listingId,
    sku,
    shown: reading.shown,
    expected: verdict.expected === null ? null : [verdict.expected.low, verdict.expected.high],
    target: view.target.kind === 'number' ? view.target.quantity : null,
    cause: verdict.cause,
    orders,
    action: verdict.action,
    done: false,
    until: iso(verdict.until),
    note: verdict.note,
    explained: verdict.explained,
    read_at: iso(reading.askedAt),
    low_since: iso(verdict.low?.since ?? null),
    counter_id: view.counterId,
  };
  // What is known to be gone counts no more, unless it is there again.
  const gone = view.listings.every((listing) => listing.vanished);
  return { line, verdict, reading, gone };
}

/** The SKU codes of each counter of a channel; of a bundle, its codes joined by plus signs. */
async function skuCodes(engine: Engine, channel: string): Promise<Map<number, string>> {
  const codes = new Map<number, string>();
  for await (const row of allListings(engine.store, { channel })) {
    if (row.parts.length > 0 && !codes.has(row.counterId))
      codes.set(row.counterId, row.parts.map((part) => part.sku).join('+'));
  }
  return codes;
}
