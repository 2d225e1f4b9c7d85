import type { DeliveryContent, FactsOf, Json, Obtaining } from '../../channels/channel.ts';
import { saying } from '../../channels/kit/hook.ts';
import { parseJsonBytes } from '../../channels/kit/json.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import type { ClaimedDelivery } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';

/** Kinds of the deliveries that we send to ourselves, so that work learned in memory survives a crash. */
export const ownKinds = {
  /** Body `{"fetch":[order ids]}`, meta `{"after_ms"}`: fetch them, not before so many ms after it was received. */
  lookAgain: 'invsync.look-again',
  /** Body: one item of an order page that could not be read or applied. */
  item: 'invsync.item',
} as const;

/** The fields that are kept of a delivery: the adapter's, or our own kinds' bodies. Throws what the adapter throws. */
export function fieldsOf(live: LiveChannel, delivery: ClaimedDelivery): Json {
  if (delivery.fields !== null) return delivery.fields;
  const body = delivery.body ?? new Uint8Array();
  if (isOwn(delivery)) return parseJsonBytes(body) as Json;
  return live.channel.fieldsOf({ key: delivery.key, kind: delivery.kind, meta: delivery.meta, body });
}

/** The listing ids and aliases that `contentOf` will ask for. */
export function refsIn(live: LiveChannel, delivery: ClaimedDelivery, fields: Json): string[] {
  return delivery.kind === ownKinds.lookAgain ? [] : live.channel.refsIn(fields);
}

/** What a delivery's fields say. */
export function contentOf(
  live: LiveChannel,
  delivery: ClaimedDelivery,
  fields: Json,
  facts: FactsOf,
): DeliveryContent {
  if (delivery.kind === ownKinds.lookAgain) return saying({ fetch: idsIn(fields) });
  return live.channel.ordersIn(fields, facts, {
    obtained: delivery.kind === ownKinds.item ? 'listed' : 'delivered',
    askedAt: delivery.receivedAt,
    answeredAt: delivery.receivedAt,
    attempt: delivery.looks,
  });
}

/** When a delivery of ours wants its first look; null: it has no wish. */
export function notBefore(delivery: ClaimedDelivery): number | null {
  if (delivery.kind !== ownKinds.lookAgain || delivery.looks > 0) return null;
  const { meta } = delivery;
  if (meta === null || typeof meta !== 'object' || Array.isArray(meta)) return null;
  const afterMs = meta['after_ms'];
  return typeof afterMs === 'number' ? delivery.receivedAt + afterMs : null;
}

function isOwn(delivery: ClaimedDelivery): boolean {
  return delivery.kind === ownKinds.lookAgain || delivery.kind === ownKinds.item;
}

function idsIn(fields: Json): string[] {
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) return [];
  const { fetch } = fields as { fetch?: Json };
  return Array.isArray(fetch) ? fetch.filter((id) => typeof id === 'string') : [];
}

/** What the store knows about these listings, as `ordersIn` asks for it. */
export async function factsFor(engine: Engine, live: LiveChannel, refs: Iterable<string>): Promise<FactsOf> {
  const unique = [...new Set(refs)];
  if (unique.length === 0) return () => undefined;
  const found = await engine.store.listings.refs(live.id, unique);
  return (ref) => found.get(ref);
}

/** What one pulled item says; an item that cannot be read holds the error instead. */
export type ItemContent = { item: Json } & ({ content: DeliveryContent } | { error: unknown });

/** Reads items of a page or a fetch, each alone: a bad one never fails its neighbours. */
export async function readItems(
  engine: Engine,
  live: LiveChannel,
  items: { item: Json; how: Obtaining }[],
): Promise<ItemContent[]> {
  const named = items.map(({ item }) => attempt(() => live.channel.refsIn(item)));
  const facts = await factsFor(
    engine,
    live,
    named.flatMap((each) => ('value' in each ? each.value : [])),
  );
  return items.map(({ item, how }, index) => {
    const refs = named[index];
    if (refs === undefined || 'error' in refs) return { item, error: refs?.error };
    const content = attempt(() => live.channel.ordersIn(item, facts, how));
    return 'error' in content ? { item, error: content.error } : { item, content: content.value };
  });
}

/** The value, or what was thrown instead. */
export function attempt<T>(act: () => T): { value: T } | { error: unknown } {
  try {
    return { value: act() };
  } catch (error) {
    return { error };
  }
}

/** Snapshots whose state is settled, apart from those that want another look, and after how long. */
export function bySettlement(orders: OrderSnapshot[]): {
  settled: OrderSnapshot[];
  lookAgainMs: number | null;
} {
  const settled = orders.filter((order) => order.lookAgainMs === undefined);
  const waits = orders.flatMap((order) => order.lookAgainMs ?? []);
  return { settled, lookAgainMs: waits.length === 0 ? null : Math.max(...waits) };
}
