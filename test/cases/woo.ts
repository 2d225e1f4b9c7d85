import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitions } from '../../src/channels/registry.ts';
import type { Clock } from '../../src/clock.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config/load.ts';
import { silentLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { AlertKind } from '../../src/store/store.ts';
import { importCatalogue } from '../../src/sync/account/catalogue.ts';
import { createIngest } from '../../src/sync/inbound/ingest.ts';
import { pullOrders } from '../../src/sync/inbound/pull.ts';
import { createReceiver } from '../../src/sync/inbound/receive.ts';

type Row = Record<string, unknown>;
/** Parts of an order as the case files write them. */
export type OrderPart = { id: number; status: string; line_items: Row[] } & Row;

const signal = new AbortController().signal;
const secret = 'whsec_0123456789abcdef';

/**
 * A WooCommerce shop that answers exactly the rows it is given, behind the real adapter, receiver, ingest and store. Time
 * moves only by `wait`.
 */
export async function wooCase(given: { products: Row[]; config?: Row }) {
  let now = Date.parse('2026-11-30T10:00:30Z');
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
  const products = given.products.map(
    (row): Row => ({
      parent_id: 0,
      type: 'simple',
      name: String(row['sku']),
      status: 'publish',
      manage_stock: true,
      backorders: 'no',
      ...row,
    }),
  );
  const orders = new Map<number, OrderPart>();
  const shop = await serve(products, orders);
  const dir = mkdtempSync(join(tmpdir(), 'invsync-case-'));
  const channel = {
    type: 'woocommerce',
    mode: 'live',
    url: 'https://shop.example.com',
    base_url: shop.url,
    consumer_key: 'ck_test',
    consumer_secret: 'cs_test',
    webhook_secret: secret,
    ...given.config,
  };
  const text = JSON.stringify({ data_dir: '.', channels: { woo: channel } });
  const from = { file: join(dir, 'config.yaml'), env: {}, definitions: await definitions() };
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  const { engine, close } = await compose(parseConfig(text, from).config, store, { log: silentLog, clock });
  const [live] = engine.channels.values();
  if (live === undefined) throw new Error('no channel');
  const receiver = createReceiver(engine);
  const ingest = createIngest(engine);
  const by = { by: 'test', reason: null };

  const send = async (body: string, topic = 'order.updated') => {
    const answer = await receiver.receive('woo', {
      method: 'POST',
      path: '',
      query: '',
      headers: {
        'x-wc-webhook-signature': createHmac('sha256', secret).update(body).digest('base64'),
        'x-wc-webhook-topic': topic,
        'x-wc-webhook-id': '7',
      },
      body: Buffer.from(body),
      receivedAt: clock.now(),
    });
    await ingest.runUntilIdle();
    return answer.status;
  };
  return {
    products,
    engine,
    live,
    send,
    /** The books know so many, counted in the shop's free number, and the catalogue is mapped. */
    async count(stock: Record<string, number>) {
      const changes = Object.entries(stock).map(([sku, quantity]) => ({
        sku,
        kind: 'count' as const,
        quantity,
        basis: 'shelf' as const,
        asOf: now,
        create: true,
        ref: null,
        presumeGoneMs: {},
      }));
      await store.stock.change(changes, by, now);
      await importCatalogue(engine, live, () => undefined, signal);
    },
    /** The shop has the order now, and tells it by webhook. */
    async order(part: OrderPart) {
      now += 1_000;
      orders.set(part.id, whole(part, orders.get(part.id), clock.now()));
      return send(JSON.stringify(orders.get(part.id)));
    },
    /** Nothing is sent; the shop only shows it. */
    shows(part: OrderPart) {
      orders.set(part.id, whole(part, orders.get(part.id), clock.now()));
    },
    async wait(ms: number) {
      now += ms;
      await ingest.runUntilIdle();
    },
    pull: () => pullOrders(engine, live, { kind: 'changes' }, signal),
    stock: async (sku: string) => {
      const row = await store.stock.get(sku);
      return row === null
        ? null
        : { on_hand: row.onHand, committed: row.committed, available: row.available };
    },
    warnings: async (kind: AlertKind = 'order_warning') =>
      (await store.duties.alerts(true, 100)).filter((row) => row.kind === kind).map((row) => row.message),
    async close() {
      await ingest.stop();
      await close();
      await store.close();
      await shop.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** An order row as REST shows it, from the parts that a case file writes. */
function whole(part: OrderPart, before: OrderPart | undefined, now: number): OrderPart {
  const gmt = (ms: number) => new Date(ms).toISOString().slice(0, 19);
  const created = before?.['date_created_gmt'] ?? part['date_created_gmt'] ?? gmt(now - 60_000);
  return {
    number: String(part.id),
    date_created_gmt: created,
    date_paid_gmt: null,
    date_completed_gmt: part.status === 'completed' ? gmt(now) : null,
    refunds: [],
    meta_data: [],
    ...part,
    date_modified_gmt: gmt(now),
    line_items: part.line_items.map((line) => ({ variation_id: 0, meta_data: [], ...line })),
  };
}

async function serve(products: Row[], orders: ReadonlyMap<number, OrderPart>) {
  const answer = (url: URL): unknown => {
    const path = url.pathname.replace('/wp-json/wc/v3', '');
    const wanted = url.searchParams.get('include')?.split(',');
    if (/^\/wp-json\/?$/.test(url.pathname)) return { name: 'Shop', home: 'https://shop.example.com' };
    const isWanted = (row: { id?: unknown }) => wanted === undefined || wanted.includes(String(row.id));
    if (path === '/products') return products.filter((row) => row['type'] !== 'variation' && isWanted(row));
    if (path === '/variations') return products.filter((row) => row['type'] === 'variation' && isWanted(row));
    if (path === '/orders') {
      const open = url.searchParams.get('status') !== 'trash';
      return open ? [...orders.values()].filter(isWanted) : [];
    }
    const [, kind, id] = /^\/(products|orders)\/(?:\d+\/variations\/)?(\d+)$/.exec(path) ?? [];
    if (kind === 'orders') return orders.get(Number(id));
    return kind === 'products' ? products.find((row) => row['id'] === Number(id)) : undefined;
  };
  const server = createServer((request, response) => {
    request.resume();
    const found = answer(new URL(request.url ?? '/', 'http://shop'));
    const gone = {
      code: 'woocommerce_rest_product_invalid_id',
      message: 'Invalid ID.',
      data: { status: 404 },
    };
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? gone));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
