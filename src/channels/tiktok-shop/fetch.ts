import { z } from 'zod';
import type { FetchedOrder } from '../channel.ts';
import { stopped } from '../errors.ts';
import type { Answer } from './api.ts';
import { Refusal } from './failures.ts';
import { Id, isId } from './ids.ts';
import { asJson, keptOrder, OrderRow } from './order.ts';
import type { Shop } from './shop.ts';

/** Most ids of one call (TTS-5.2; the API's own field description). */
const idsPerCall = 50;
const Found = z.object({ orders: z.array(z.unknown()).nullish() }).nullish();

/** Orders by id, in order. Those that a call leaves out are asked for one by one before they are missing. */
export async function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  const found = new Map<string, FetchedOrder>();
  // Ids are joined by commas: anything else than digits would ask for other orders.
  const wanted = [...new Set(ids)].filter(isId);
  for (let at = 0; at < wanted.length; at += idsPerCall) {
    const some = wanted.slice(at, at + idsPerCall);
    if (some.length > 1) await fetchSome(shop, some, found, signal);
    for (const id of some) if (!found.has(id)) await fetchSome(shop, [id], found, signal);
  }
  return ids.map((orderId) => found.get(orderId) ?? { orderId, missing: true });
}

async function fetchSome(
  shop: Shop,
  ids: readonly string[],
  found: Map<string, FetchedOrder>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await ask(shop, ids, signal).catch((error: unknown) => {
    // One id that TikTok does not know may fail them all; each is then asked for by itself.
    if (error instanceof Refusal && error.kind === 'rejected' && ids.length > 1) return null;
    if (isUnknownOrder(error)) return null;
    throw error;
  });
  if (answer === null) return;
  const { askedAt, answeredAt } = answer;
  for (const row of answer.data?.orders ?? []) {
    const parsed = OrderRow.safeParse(row);
    const orderId = parsed.success ? parsed.data.id : z.object({ id: Id }).safeParse(row).data?.id;
    if (orderId === undefined || !ids.includes(orderId)) continue;
    const item = parsed.success ? asJson(keptOrder(parsed.data)) : { kind: 'unreadable', orderId };
    found.set(orderId, { orderId, item, askedAt, answeredAt });
  }
}

function ask(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Answer<z.infer<typeof Found>>> {
  if (signal.aborted) throw stopped();
  return shop.api.call(
    { method: 'GET', path: '/order/202507/orders', query: { ids: ids.join(',') }, data: Found },
    signal,
  );
}

/** No code for this is documented, so that the words decide; codes of the gateway (36009…) never mean it. */
function isUnknownOrder(error: unknown): boolean {
  if (!(error instanceof Refusal) || error.kind !== 'rejected') return false;
  if (error.code === null || Math.floor(error.code / 1000) === 36_009) return false;
  return /not (?:be )?(?:found|exist)|no such|doesn.?t exist|does not exist|invalid order/i.test(
    error.message,
  );
}
