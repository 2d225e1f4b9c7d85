import type { DeliveryContent } from '../channels/channel.ts';
import { messageOf } from '../errors.ts';
import { silentLog } from '../log.ts';
import type {
  ApplyOutcome,
  ClaimedDelivery,
  CounterView,
  DeliveryFilter,
  RehearsalStep,
} from '../store/store.ts';
import type { Engine, LiveChannel } from '../sync/engine.ts';
import type { Books } from './books.ts';

/** What a replay of one delivery would do. */
export interface DeliveryEffect {
  id: number;
  channel: string;
  /** Orders that it carries, and what would become of them. */
  orders: {
    order_id: string;
    verdict: 'applied' | 'same' | 'stale' | 'fetch' | 'look-again';
    taken_up: number;
    taken_down: number;
    given: number;
    short: number;
    unmapped_lines: number;
  }[];
  /** Orders that it only names: they are read by id when it is replayed, so their effect is not known yet. */
  fetch: string[];
  /** Why it says nothing, or null. */
  ignored: string | null;
  /** Why it cannot be read, or null. */
  error: string | null;
}

/** What a replay would do to the books and, through them, to the numbers at channels. */
export interface ReplayEffect {
  events: DeliveryEffect[];
  listings: {
    channel: string;
    listing_id: string;
    channel_sku: string | null;
    before: number | null;
    after: number | null;
  }[];
}

/**
 * Works a replay out in memory: the adapters read the kept fields again, the books apply them oldest first and are
 * put back. No network, nothing is written.
 */
export async function replayEffect(books: Books, filter: DeliveryFilter, now: number): Promise<ReplayEffect> {
  const { compose } = await import('../compose.ts');
  const { engine, close } = await compose(await books.settings(), books.store, { log: silentLog });
  try {
    const newestFirst = await books.store.inbox.read(filter);
    const read: Read[] = [];
    for (const delivery of newestFirst.reverse()) read.push(await readOne(engine, delivery));
    const steps = read.flatMap((each) => stepOf(each));
    const rehearsal = await books.store.rehearse(steps, null, now);
    const outcomes = [...rehearsal.applied];
    const events = read.map((each) =>
      effectOf(books, each, stepOf(each).length === 0 ? undefined : outcomes.shift()),
    );
    return { events, listings: await moved(books, rehearsal.counters) };
  } finally {
    await close();
  }
}

interface Read {
  delivery: ClaimedDelivery;
  content: DeliveryContent | null;
  error: string | null;
}

async function readOne(engine: Engine, delivery: ClaimedDelivery): Promise<Read> {
  const { contentOf, factsFor, fieldsOf, refsIn } = await import('../sync/inbound/read.ts');
  const live: LiveChannel | undefined = engine.channels.get(delivery.channelId);
  if (live === undefined)
    return { delivery, content: null, error: 'its channel is not in the configuration' };
  if (delivery.fields === null && delivery.body === null) {
    return { delivery, content: null, error: 'its content is no longer kept (retention.payloads)' };
  }
  try {
    const fields = fieldsOf(live, delivery);
    const facts = await factsFor(engine, live, refsIn(live, delivery, fields));
    return { delivery, content: contentOf(live, delivery, fields, facts), error: null };
  } catch (error) {
    return { delivery, content: null, error: messageOf(error) };
  }
}

/** A step of its own for each delivery, so that each has its own outcome and a bad one fails alone. */
function stepOf({ delivery, content }: Read): RehearsalStep[] {
  const orders = content?.orders.filter((order) => order.lookAgainMs === undefined) ?? [];
  if (orders.length === 0) return [];
  const { channelId } = delivery;
  return [
    { kind: 'apply', requests: [{ channelId, source: 'delivery', delivery: null, orders, missing: [] }] },
  ];
}

function effectOf(
  books: Books,
  read: Read,
  outcome: ApplyOutcome | { failed: string } | undefined,
): DeliveryEffect {
  const { delivery, content } = read;
  const channel = books.channels.find((row) => row.id === delivery.channelId)?.name ?? '';
  const failed = outcome !== undefined && 'failed' in outcome ? outcome.failed : null;
  const applied = outcome !== undefined && 'orders' in outcome ? outcome.orders : [];
  const unsettled = content?.orders.filter((order) => order.lookAgainMs !== undefined) ?? [];
  return {
    id: delivery.id,
    channel,
    orders: [
      ...applied.map((order) => ({
        order_id: order.orderId,
        verdict: order.verdict,
        taken_up: order.takenUp,
        taken_down: order.takenDown,
        given: order.given,
        short: order.short,
        unmapped_lines: order.unmappedLines,
      })),
      ...unsettled.map((order) => ({
        order_id: order.orderId,
        verdict: 'look-again' as const,
        taken_up: 0,
        taken_down: 0,
        given: 0,
        short: 0,
        unmapped_lines: 0,
      })),
    ],
    fetch: content?.fetch ?? [],
    ignored: content?.ignored ?? null,
    error: read.error ?? failed,
  };
}

async function moved(books: Books, after: readonly CounterView[]): Promise<ReplayEffect['listings']> {
  const before = new Map<number, CounterView>();
  for (const view of await books.store.outbox.view(after.map((each) => each.counterId)))
    before.set(view.counterId, view);
  return after.flatMap((view) => {
    const [listing] = view.listings;
    const was = numberOf(before.get(view.counterId));
    const becomes = numberOf(view);
    if (listing === undefined || was === becomes) return [];
    const channel = books.channels.find((row) => row.id === view.channelId)?.name ?? '';
    return [
      {
        channel,
        listing_id: listing.listingId,
        channel_sku: listing.channelSku,
        before: was,
        after: becomes,
      },
    ];
  });
}

function numberOf(view: CounterView | undefined): number | null {
  return view?.target.kind === 'number' ? view.target.quantity : null;
}
