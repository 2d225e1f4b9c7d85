import type { ApplyRequest, CounterView, Rehearsal } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { type Pulled, pullApart } from '../inbound/pull.ts';

/** What the orders-first step of a run brought. */
export interface OrdersFirst {
  pulls: Map<number, Pulled>;
  /** Orders of this run that moved a counter. */
  ordersOf: Map<number, string[]>;
  /** Dry run only: counters as they would be with these orders taken in. */
  rehearsed: Map<number, CounterView>;
}

/**
 * Pulls the orders of all these channels before anything is read. Dry: into memory, and rehearsed in the store, so
 * that nothing is written, the watermark included. A pull that failed is in `pulls` with its error.
 */
export async function pullFirst(
  engine: Engine,
  wish: { channels: LiveChannel[]; into: 'store' | 'memory' },
  signal: AbortSignal,
): Promise<OrdersFirst> {
  const pulls = new Map<number, Pulled>();
  const pulled = await Promise.all(
    wish.channels.map((live) => pullApart(engine, live, { kind: 'changes', into: wish.into }, signal)),
  );
  wish.channels.forEach((live, index) => {
    const pull = pulled[index];
    if (pull !== undefined) pulls.set(live.id, pull);
  });
  const first: OrdersFirst = { pulls, ordersOf: new Map(), rehearsed: new Map() };
  if (wish.into === 'memory') {
    await rehearse(
      engine,
      first,
      pulled.flatMap((pull) => pull.requests),
    );
    return first;
  }
  for (const pull of pulled) noteOrders(first, pull.applied);
  return first;
}

async function rehearse(engine: Engine, first: OrdersFirst, requests: ApplyRequest[]): Promise<void> {
  if (requests.length === 0) return;
  const rehearsal: Rehearsal = await engine.store.rehearse(
    [{ kind: 'apply', requests }],
    null,
    engine.clock.now(),
  );
  for (const view of rehearsal.counters) first.rehearsed.set(view.counterId, view);
  for (const applied of rehearsal.applied) {
    if ('orders' in applied) noteOrders(first, applied.orders);
  }
}

function noteOrders(first: OrdersFirst, applied: Pulled['applied']): void {
  for (const order of applied) {
    if (order.verdict !== 'applied') continue;
    for (const counterId of order.counterIds) {
      const known = first.ordersOf.get(counterId) ?? [];
      if (!known.includes(order.orderId)) first.ordersOf.set(counterId, [...known, order.orderId]);
    }
  }
}
