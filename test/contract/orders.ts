import { describe, expect, test } from 'vitest';
import type { OrderPage } from '../../src/channels/channel.ts';
import type { ShopOrder } from '../../src/sandbox/shop.ts';
import type { OrderSnapshot } from '../../src/stock/order.ts';
import {
  type ActKind,
  type Bench,
  benches,
  calm,
  type MakeBench,
  need,
  type RefundKind,
  type Sold,
  sameId,
} from './bench.ts';

/** Something that shopper or merchant does to an order of 3 SKU-001 and 2 SKU-005. */
interface Act {
  name: string;
  kind: ActKind;
  play(bench: Bench, sold: Sold): void;
  /** False where a platform may tell it to lists and fetches only. */
  delivered?: false;
  refund?: RefundKind;
  /** Platforms that keep the units off sale although the order lets go of them show less than the sum. */
  leavesNumberOpen?: true;
}

const cancel: Act = {
  name: 'cancelled with restock',
  kind: 'cancelled',
  play: ({ shop }, { orderId }) => shop.cancel({ order_id: orderId, restock: true }),
};
const writeOff: Act = {
  name: 'cancelled without restock',
  kind: 'cancelled',
  play: ({ shop }, { orderId }) => shop.cancel({ order_id: orderId, restock: false }),
  leavesNumberOpen: true,
};
const refund = (quantity: number, restock: boolean): Act => ({
  name: `refunded ${quantity} ${restock ? 'with' : 'without'} restock`,
  kind: 'refunded',
  play: ({ shop }, { orderId, lineIds }) =>
    shop.refund({ order_id: orderId, line_id: first(lineIds), quantity, restock }),
  ...(restock ? {} : { refund: 'money only' }),
});
const sendBack = (quantity: number): Act => ({ ...refund(quantity, true), refund: 'sent back' });
const edit = (quantity: number): Act => ({
  name: `edited to ${quantity}`,
  kind: quantity > 3 ? 'edited up' : 'edited down',
  play: ({ shop }, { orderId, lineIds }) =>
    shop.edit({ order_id: orderId, line_id: first(lineIds), quantity }),
});
const ship: Act = {
  name: 'shipped',
  kind: 'shipped',
  play: ({ shop }, { orderId }) => shop.ship({ order_id: orderId }),
  delivered: false,
};

const stories: Act[][] = [
  [cancel],
  [writeOff],
  [refund(1, true), refund(1, true)],
  [refund(1, false), ship],
  [refund(1, true), refund(1, false)],
  [edit(1), cancel],
  [edit(5), ship],
  [edit(2), refund(1, true), ship],
  [ship, sendBack(2)],
  [ship, refund(1, false)],
];

/** Orders as webhooks, lists and fetches show them. */
export function orderSuite(make: MakeBench): void {
  describe('an order', () => {
    const open = benches(make);

    test('that was sold reads the same from webhook, list and fetch', async () => {
      const bench = await open();
      await bench.subscribe();
      const before = Date.now();
      const sold = sell(bench);
      const views = await viewsOf(bench, sold.orderId, before);
      if (bench.channel.webhooks !== undefined) expect(views.delivered.length).toBeGreaterThan(0);
      expectAgreement(bench, sold.orderId, views);
      expect(bench.shown('SKU-001')).toBe(7);
      const facts = await bench.facts();
      for (const snapshot of allOf(views)) {
        expect(snapshot).toMatchObject({ complete: true, cancelled: false, number: views.fetched.number });
        expect(snapshot.lookAgainMs).toBeUndefined();
        expectPlausibleTimes(bench, snapshot, before);
        for (const line of snapshot.lines) {
          expect(facts(line.listingId ?? '')?.channelSku).toBe(line.channelSku);
          expect(line.gone).toBe(0);
        }
      }
    });

    test.each(stories.map((story) => [story.map((act) => act.name).join(', then '), story] as const))(
      '%s keeps the shop and all three views in agreement',
      async (_, story) => {
        // What a shop leaves to chance comes out another way in each story.
        const bench = await open(12, 40 + stories.indexOf(story));
        await bench.subscribe();
        const before = Date.now();
        const sold = sell(bench);
        let last = (await viewsOf(bench, sold.orderId, before)).fetched;
        const keys = last.lines.map((line) => line.lineKey);
        for (const act of story) {
          bench.listener.clear();
          act.play(bench, sold);
          const views = await viewsOf(bench, sold.orderId, before);
          expectAgreement(bench, sold.orderId, views);
          expectTold(bench, act, views.delivered.length);
          expectNumbersAddUp(bench, act);
          for (const snapshot of allOf(views)) {
            expectPlausibleTimes(bench, snapshot, before);
            expectSamePlace(bench, snapshot, last);
            expect(snapshot.version).toBeGreaterThanOrEqual(last.version);
            expect(snapshot.lines.map((line) => line.lineKey)).toEqual(expect.arrayContaining(keys));
          }
          last = views.fetched;
        }
        if (story.includes(cancel)) expect(last.cancelled).toBe(true);
      },
    );

    test('that the seller called off for want of stock doubts its units, unlike one that a buyer called off', async (context) => {
      const bench = await open();
      need(context, bench.tellsWantOfStock, 'the platform names no such reason, or not always');
      for (const [restock, doubted] of [
        [false, [3, 2]],
        [true, [undefined, undefined]],
      ] as const) {
        const { orderId } = sell(bench);
        bench.shop.cancel({ order_id: orderId, restock });
        const { lines } = await bench.fetchOrder(orderId);
        expect(lines.map((line) => line.taken)).toEqual([0, 0]);
        expect(lines.map((line) => line.doubted)).toEqual(doubted);
        bench.shop.set({ sku: 'SKU-001', quantity: 10 });
        bench.shop.set({ sku: 'SKU-005', quantity: 10 });
      }
    });

    test('that was shipped is gone, with a plausible time where the platform tells one', async (context) => {
      const bench = await open();
      const tells = bench.channel.capabilities.reportsGone;
      need(context, tells ? true : null, 'the platform does not report shipping');
      const before = Date.now();
      const sold = sell(bench);
      bench.shop.ship({ order_id: sold.orderId });
      const { lines } = await bench.fetchOrder(sold.orderId);
      expect(lines.map(({ taken, gone }) => [taken, gone])).toEqual([
        [3, 3],
        [2, 2],
      ]);
      for (const { goneAt } of lines) if (goneAt !== null) expectNear(bench, goneAt, before);
    });

    test('of 130 lines is complete in every view', async () => {
      const bench = await open(130);
      await bench.subscribe();
      const before = Date.now();
      const sold = bench.sell(...bench.catalogue.map(({ sku }): [string, number] => [sku, 2]));
      const views = await viewsOf(bench, sold.orderId, before);
      expectAgreement(bench, sold.orderId, views);
      for (const snapshot of allOf(views)) {
        expect(snapshot.complete).toBe(true);
        expect(new Set(snapshot.lines.map(({ lineKey }) => lineKey)).size).toBe(130);
      }
    });
  });

  describe('orders by time of change', () => {
    const open = benches(make);

    test('come all, however many share one second and however many pages they fill', async () => {
      const bench = await open();
      const before = Date.now();
      const ids = burst(bench, 130);
      const all = await settledWalk(bench, before - 2_000, ids);
      const changed = [...all.values()].map((snapshot) => snapshot.changedAt);
      for (const since of new Set(changed)) {
        const { snapshots } = await bench.walk(bench.channel.ordersSince(since, calm));
        const wanted = [...all].filter(([, snapshot]) => snapshot.changedAt >= since).map(([id]) => id);
        expect(found(snapshots, wanted)).toEqual(wanted);
      }
    });

    test('come oldest change first, with the end and the clock of the walk’s beginning on the last page only', async () => {
      const bench = await open();
      const before = Date.now();
      const ids = burst(bench, 130);
      await settledWalk(bench, before - 2_000, ids);
      const began = Date.now();
      const { pages, snapshots, channelClock } = await bench.walk(
        bench.channel.ordersSince(before - 2_000, calm),
      );
      expect(pages.map((page) => page.end !== null)).toEqual(pages.map((_, at) => at === pages.length - 1));
      expectNear(bench, channelClock, began, began);
      const changes = snapshots.map((snapshot) => snapshot.changedAt);
      expect(changes).toEqual([...changes].sort((a, b) => a - b));
      for (const page of pages) expectSpan(page, began);
    });

    test('push nobody off a page when some of them change while we walk', async () => {
      const bench = await open();
      const before = Date.now();
      const ids = burst(bench, 130);
      await settledWalk(bench, before - 2_000, ids);
      const snapshots: OrderSnapshot[] = [];
      let page = 0;
      for await (const { items, askedAt, answeredAt } of bench.channel.ordersSince(before - 2_000, calm)) {
        const how = { obtained: 'listed', askedAt, answeredAt, attempt: 0 } as const;
        const facts = await bench.facts();
        for (const item of items) snapshots.push(...bench.channel.ordersIn(item, facts, how).orders);
        const moved = ids[page * 7];
        if (moved !== undefined) bench.shop.cancel({ order_id: moved, restock: true });
        page += 1;
      }
      const moved = new Set(ids.filter((_, at) => at % 7 === 0 && at < page * 7));
      const still = ids.filter((id) => !moved.has(id));
      expect(found(snapshots, still)).toEqual(still);
    });

    test('are none when nothing changed since, and the walk still has its end', async () => {
      const bench = await open();
      sell(bench);
      const began = Date.now();
      const walked = await bench.walk(bench.channel.ordersSince(began + 3_600_000, calm));
      expect(walked.snapshots).toEqual([]);
      expect(walked.pages.length).toBe(1);
      expectNear(bench, walked.channelClock, began, began);
    });

    test('bring cancelled and shipped ones too, also from the beginning of time', async () => {
      const bench = await open();
      const before = Date.now();
      const sold = [sell(bench), sell(bench), sell(bench)].map(({ orderId }) => orderId);
      bench.shop.cancel({ order_id: sold[0] ?? '', restock: true });
      bench.shop.ship({ order_id: sold[1] ?? '' });
      await settledWalk(bench, before - 2_000, sold);
      expect(found((await bench.walk(bench.channel.ordersSince(0, calm))).snapshots, sold)).toEqual(sold);
    });
  });

  describe('orders by time of creation', () => {
    const open = benches(make);

    test('come whatever became of them, over all pages', async () => {
      const bench = await open();
      const before = Date.now();
      const ids = burst(bench, 110);
      bench.shop.cancel({ order_id: ids[3] ?? '', restock: true });
      bench.shop.ship({ order_id: ids[5] ?? '' });
      await settledWalk(bench, before - 2_000, ids);
      const began = Date.now();
      const walked = await bench.walk(bench.channel.ordersCreatedSince(before - 2_000, calm));
      expect(found(walked.snapshots, ids)).toEqual(ids);
      expect(walked.pages.filter((page) => page.end !== null)).toEqual(walked.pages.slice(-1));
      expectNear(bench, walked.channelClock, began, began);
      const none = await bench.walk(bench.channel.ordersCreatedSince(began + 3_600_000, calm));
      expect(none.snapshots).toEqual([]);
      expectNear(bench, none.channelClock, began, began);
    });

    test('that are open are all among the open ones', async (context) => {
      const bench = await open();
      const openOrders = need(
        context,
        bench.channel.openOrders,
        'the platform cannot search for open orders: the engine reads all of them',
      );
      const before = Date.now();
      const ids = burst(bench, 110);
      for (const [at, id] of ids.entries()) if (at % 3 === 0) bench.shop.ship({ order_id: id });
      await settledWalk(bench, before - 2_000, ids);
      const walked = await bench.walk(openOrders.call(bench.channel, calm));
      const holding = bench.shop
        .records()
        .orders.filter(({ lines }) => lines.some(({ taken, gone }) => taken > gone));
      const wanted = holding.map((order) => order.order_id);
      expect(wanted.length).toBeGreaterThan(70);
      expect(found(walked.snapshots, wanted)).toEqual(wanted);
      expect(walked.pages.at(-1)?.end).not.toBeNull();
    });
  });

  describe('orders by id', () => {
    const open = benches(make);

    test('come in the order asked, as often as asked, and those that do not exist are missing', async () => {
      const bench = await open();
      const ids = burst(bench, 110);
      const unknown = (ids.at(-1) ?? '').replace(/\d/g, '9');
      const wanted = [...ids.slice(50), unknown, ...ids.slice(0, 50), ids[7] ?? ''];
      const before = Date.now();
      const answers = await bench.channel.fetchOrders(wanted, calm);
      expect(answers.map((answer) => answer.orderId)).toEqual(wanted);
      expect(answers.filter((answer) => 'missing' in answer)).toEqual([{ orderId: unknown, missing: true }]);
      for (const answer of answers) if (!('missing' in answer)) expectSpan(answer, before);
      expect(await bench.channel.fetchOrders([], calm)).toEqual([]);
    });

    test('are found by the id that their snapshots carry', async () => {
      const bench = await open();
      const { orderId } = await bench.fetchOrder(sell(bench).orderId);
      expect((await bench.fetchOrder(orderId)).orderId).toBe(orderId);
    });
  });
}

/** Three pieces of a plain listing and two of one that may be of another kind. */
function sell(bench: Bench): Sold {
  return bench.sell(['SKU-001', 3], ['SKU-005', 2]);
}

/** So many orders as fast as a shop takes them. */
function burst(bench: Bench, orders: number): string[] {
  for (const { sku } of bench.catalogue) bench.shop.set({ sku, quantity: 500 });
  return Array.from({ length: orders }, (_, at) => {
    const { sku } = bench.catalogue[at % bench.catalogue.length] ?? { sku: '' };
    return bench.sell([sku, 1]).orderId;
  });
}

interface Views {
  delivered: OrderSnapshot[];
  listed: OrderSnapshot;
  fetched: OrderSnapshot;
}

function allOf({ delivered, listed, fetched }: Views): OrderSnapshot[] {
  return [...delivered, listed, fetched];
}

/** The order as deliveries since the last clearing, the list and a fetch show it, once the list has caught up. */
async function viewsOf(bench: Bench, orderId: string, since: number): Promise<Views> {
  const delivered: OrderSnapshot[] = [];
  for (const delivery of await bench.deliveries()) {
    const content = await bench.read(bench.channel.fieldsOf(delivery), 'delivered');
    const snapshots = await bench.resolve(content);
    delivered.push(...snapshots.filter((snapshot) => sameId(snapshot.orderId, orderId)));
  }
  const fetched = await bench.fetchOrder(orderId);
  const listed = await bench.eventually(`order ${orderId} is listed`, async () => {
    const { snapshots } = await bench.walk(bench.channel.ordersSince(since - 2_000, calm));
    return snapshots.find(
      (snapshot) => sameId(snapshot.orderId, orderId) && snapshot.version >= fetched.version,
    );
  });
  return { delivered: endOf(bench, delivered), listed, fetched };
}

/** Of an act that is told step by step only the newest delivery shows the end. */
function endOf(bench: Bench, delivered: OrderSnapshot[]): OrderSnapshot[] {
  if (bench.tellsSteps === undefined) return delivered;
  // What a delivery had us fetch is the state of now, by another clock than what the others carried.
  const fetched = delivered.filter((snapshot) => snapshot.obtained === 'fetched');
  if (fetched.length > 0) return fetched;
  const newest = Math.max(...delivered.map((snapshot) => snapshot.version));
  return delivered.filter((snapshot) => snapshot.version === newest);
}

function expectTold(bench: Bench, act: Act, deliveries: number): void {
  if (bench.channel.webhooks === undefined) return;
  const told = `deliveries of "${act.name}"`;
  const isUntold = [act.kind, act.refund].some((kind) => kind !== undefined && bench.untold?.[kind]);
  if (isUntold) expect(deliveries, told).toBe(0);
  else if (act.delivered !== false) expect(deliveries, told).toBeGreaterThan(0);
}

/** An order is placed once, as exactly as the views tell. */
function expectSamePlace(bench: Bench, snapshot: OrderSnapshot, other: OrderSnapshot): void {
  const resolutionMs = bench.deliveryClock === undefined || snapshot.obtained !== 'delivered' ? 0 : 1_000;
  expect(Math.abs(snapshot.placedAt - other.placedAt)).toBeLessThanOrEqual(resolutionMs);
}

/** Every view tells each line as the shop's own records do; a line that a view leaves out holds nothing. */
function expectAgreement(bench: Bench, orderId: string, views: Views): void {
  const truth = bench.shop.records().orders.find((order) => order.order_id === orderId);
  if (truth === undefined) throw new Error(`the shop has no record of ${orderId}`);
  const wanted = truth.lines.map(({ line_id, taken, gone }) => ({ line_id, taken, gone }));
  const told = (snapshot: OrderSnapshot) => truthOf(snapshot, truth);
  expect(told(views.fetched), 'fetched').toEqual(wanted);
  expect(told(views.listed), 'listed').toEqual(wanted);
  for (const snapshot of views.delivered) expect(told(snapshot), 'delivered').toEqual(wanted);
  for (const snapshot of allOf(views)) {
    expect(snapshot.orderId).toBe(views.fetched.orderId);
    const own = bench.deliveryClock !== undefined && snapshot.obtained === 'delivered';
    if (!own) expect(snapshot.clock).toBe(views.fetched.clock);
    const strangers = snapshot.lines.filter(
      ({ lineKey }) => !truth.lines.some((line) => sameId(lineKey, line.line_id)),
    );
    expect(strangers.filter((line) => line.taken > 0)).toEqual([]);
    for (const { taken, gone } of snapshot.lines) {
      expect(Number.isInteger(taken) && Number.isInteger(gone) && gone >= 0 && gone <= taken).toBe(true);
    }
  }
}

function truthOf(snapshot: OrderSnapshot, truth: ShopOrder) {
  return truth.lines.map(({ line_id }) => {
    const line = snapshot.lines.find(({ lineKey }) => sameId(lineKey, line_id));
    return { line_id, taken: line?.taken ?? 0, gone: line?.gone ?? 0 };
  });
}

/**
 * A net number and what its orders keep from sale make the ten pieces of the start; less where units that an order let go
 * of stay off sale, and never more.
 */
function expectNumbersAddUp(bench: Bench, act: Act): void {
  const { basis, restoresOnCancel } = bench.channel.capabilities;
  if (basis !== 'net') return;
  const isExact = restoresOnCancel && act.leavesNumberOpen !== true;
  const lines = bench.shop.records().orders.flatMap((order) => order.lines);
  for (const sku of ['SKU-001', 'SKU-005']) {
    const taken = lines.filter((line) => line.sku === sku).reduce((sum, line) => sum + line.taken, 0);
    const sum = (bench.shown(sku) ?? Number.NaN) + taken;
    if (isExact) expect(sum, sku).toBe(10);
    else expect(sum, sku).toBeLessThanOrEqual(10);
  }
}

/** Walks until every id is there; the newest snapshot of each. */
async function settledWalk(bench: Bench, since: number, ids: string[]): Promise<Map<string, OrderSnapshot>> {
  // What the platform still owes (payments, say) would change orders while we walk.
  await bench.settle();
  return await bench.eventually(`${ids.length} orders are listed`, async () => {
    const { snapshots } = await bench.walk(bench.channel.ordersSince(since, calm));
    const newest = new Map<string, OrderSnapshot>();
    for (const id of found(snapshots, ids)) {
      const own = snapshots.filter((snapshot) => sameId(snapshot.orderId, id));
      const last = own.at(-1);
      if (last !== undefined) newest.set(id, last);
    }
    return newest.size === ids.length ? newest : undefined;
  });
}

/** Which of the ids occur, in the order of the ids. */
function found(snapshots: OrderSnapshot[], ids: string[]): string[] {
  const seen = new Set(snapshots.map((snapshot) => snapshot.orderId.split('/').at(-1)));
  return ids.filter((id) => seen.has(id));
}

function expectPlausibleTimes(bench: Bench, snapshot: OrderSnapshot, before: number): void {
  expectNear(bench, snapshot.placedAt, before);
  expectNear(bench, snapshot.changedAt, before);
  expect(snapshot.changedAt).toBeGreaterThanOrEqual(snapshot.placedAt);
  expect(snapshot.answeredAt).toBeGreaterThanOrEqual(snapshot.askedAt);
  for (const { takenAt } of snapshot.lines) if (takenAt !== null) expectNear(bench, takenAt, before);
}

/** Between the two times as well as the channel's clock tells: whole seconds, and the declared margin. */
function expectNear(bench: Bench, at: number, from: number, to = Date.now()): void {
  const margin = bench.channel.capabilities.clockMarginMs + 1_000;
  expect(at).toBeGreaterThanOrEqual(from - margin);
  expect(at).toBeLessThanOrEqual(to + margin);
}

function expectSpan(
  { askedAt, answeredAt }: Pick<OrderPage, 'askedAt' | 'answeredAt'>,
  before: number,
): void {
  expect(askedAt).toBeGreaterThanOrEqual(before);
  expect(answeredAt).toBeGreaterThanOrEqual(askedAt);
  expect(answeredAt).toBeLessThanOrEqual(Date.now());
}

function first(ids: string[]): string {
  const [id] = ids;
  if (id === undefined) throw new Error('an order without lines');
  return id;
}
