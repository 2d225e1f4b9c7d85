import type { FetchedOrder } from '../channel.ts';
import { stopped } from '../errors.ts';
import { Refusal } from './refusal.ts';
import { chunksOf } from './write.ts';

/** What is particular about reading orders by id. */
export interface FetchPlan {
  signal: AbortSignal;
  /** Most ids of one request. */
  perCall: number;
  /** What may stand in the request; another id cannot be one of the platform's. */
  isSound(id: string): boolean;
  /** One request: the orders that it found. */
  ask(ids: string[]): Promise<FetchedOrder[]>;
  /** What a refusal of a single id means; null: there is no such order. Throws what must not be taken for an answer. */
  refused(id: string, refusal: Refusal): FetchedOrder | null;
}

/**
 * Orders by id, in order, many at a time. Ids that an answer leaves out, or whose request is refused, are asked for one by
 * one before they are missing.
 */
export async function fetchInChunks(ids: readonly string[], plan: FetchPlan): Promise<FetchedOrder[]> {
  const found = new Map<string, FetchedOrder>();
  if (plan.signal.aborted) throw stopped();
  const ask = async (some: string[]): Promise<void> => {
    for (const order of await askOnce(some, plan))
      if (some.includes(order.orderId)) found.set(order.orderId, order);
  };
  for (const some of chunksOf([...new Set(ids)].filter(plan.isSound), plan.perCall)) {
    await ask(some);
    if (some.length > 1) for (const id of some) if (!found.has(id)) await ask([id]);
  }
  return ids.map((orderId) => found.get(orderId) ?? { orderId, missing: true });
}

async function askOnce(ids: string[], plan: FetchPlan): Promise<FetchedOrder[]> {
  try {
    return await plan.ask(ids);
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    const [id] = ids;
    const order = ids.length === 1 && id !== undefined ? plan.refused(id, error) : null;
    return order === null ? [] : [order];
  }
}
