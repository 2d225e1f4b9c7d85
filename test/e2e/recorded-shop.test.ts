import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { definitions } from '../../src/channels/registry.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config/load.ts';
import { silentLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { importCatalogue } from '../../src/sync/account/catalogue.ts';
import { createIngest } from '../../src/sync/inbound/ingest.ts';
import { pullOrders } from '../../src/sync/inbound/pull.ts';
import { createReceiver } from '../../src/sync/inbound/receive.ts';

/**
 * Deliveries that a real WooCommerce 11.0.1 sent, fed through the real receiver, ingest and store with the real
 * adapter; the orders that it showed at the end are served to the back-fill. The judge is the shop's own final state.
 */

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '..', '..', '..', 'shared');
const fixtures = join(shared, 'fixtures', 'woocommerce');
const found = existsSync(fixtures);

interface Recorded {
  path: string;
  headers: Record<string, string>;
  body_base64: string;
}
interface Order {
  id: number;
  status: string;
  date_modified_gmt: string;
  line_items: {
    id: number;
    product_id: number;
    variation_id: number;
    quantity: number;
    meta_data: { key: string; value: string }[];
  }[];
}
interface Call {
  method: string;
  path: string;
  status: number;
  response: unknown;
}

const linesOf = (file: string) =>
  readFileSync(join(fixtures, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const deliveries: Recorded[] = found ? linesOf('deliveries.jsonl') : [];
const calls: Call[] = found
  ? linesOf('steps.jsonl').flatMap((step: { rest?: Call[] }) => step.rest ?? [])
  : [];
const lastList = (prefix: string) =>
  [...calls].reverse().find((call) => call.method === 'GET' && call.path.startsWith(prefix))?.response;
const finalOrders = (lastList('/wp-json/wc/v3/orders?') ?? []) as Order[];
const refunds = calls.filter((call) => /\/orders\/\d+\/refunds$/.test(call.path) && call.status === 201);
const products: Record<string, unknown>[] = (
  (lastList('/wp-json/wc/v3/products?') ?? []) as Record<string, unknown>[]
).map((row) => ({
  name: String(row['sku']),
  parent_id: 0,
  status: 'publish',
  backorders: 'no',
  ...row,
}));
const variations: Record<string, unknown>[] = (
  (lastList('/wp-json/wc/v3/variations?') ?? []) as Record<string, unknown>[]
).map((row) => ({
  name: String(row['sku']),
  status: 'publish',
  backorders: 'no',
  ...row,
}));
/** Step 15 trashed order 46: what the shop would answer for it, from its own last delivery. */
const trashed = deliveries
  .map((delivery) => Buffer.from(delivery.body_base64, 'base64').toString('utf8'))
  .filter((body) => body.startsWith('{"id":46,') && body.includes('line_items'))
  .map((body) => ({ ...(JSON.parse(body) as Order), status: 'trash' }))
  .at(-1);

function answerTo(url: URL): unknown {
  const path = url.pathname.replace('/wp-json/wc/v3', '');
  const first = (url.searchParams.get('page') ?? '1') === '1';
  if (/^\/wp-json\/?$/.test(url.pathname)) return { name: 'Shop', home: 'http://127.0.0.1:8099' };
  if (path === '/products') return first ? products : [];
  if (path === '/variations') return first ? variations : [];
  if (path === '/orders') {
    if (url.searchParams.get('status') === 'trash') return first && trashed !== undefined ? [trashed] : [];
    const after = url.searchParams.get('modified_after')?.replace('Z', '') ?? '';
    const wanted = url.searchParams.get('include')?.split(',');
    const rows = finalOrders
      .filter(
        (order) =>
          order.date_modified_gmt > after && (wanted === undefined || wanted.includes(String(order.id))),
      )
      .sort((a, b) => (a.date_modified_gmt < b.date_modified_gmt ? -1 : 1));
    return first ? rows : [];
  }
  const one = /^\/orders\/(\d+)(\/refunds)?$/.exec(path);
  if (one === null) return null;
  if (one[2] !== undefined)
    return refunds.filter((call) => call.path.includes(`/orders/${one[1]}/`)).map((call) => call.response);
  return (
    [...finalOrders, ...(trashed === undefined ? [] : [trashed])].find(
      (order) => String(order.id) === one[1],
    ) ?? null
  );
}

let server: Server | null = null;
let dir = '';
afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

async function openShop(): Promise<string> {
  server = createServer((request, response) => {
    const answer = answerTo(new URL(request.url ?? '/', 'http://shop'));
    response.writeHead(answer === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(
        answer ?? {
          code: 'woocommerce_rest_shop_order_invalid_id',
          message: 'Invalid ID.',
          data: { status: 404 },
        },
      ),
    );
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

/** Feeds the deliveries, back-fills, and answers what each line holds. */
async function heldAfter(
  fed: Recorded[],
): Promise<{ held: Map<string, number>; missing: string[]; open: unknown[] }> {
  const baseUrl = await openShop();
  dir = mkdtempSync(join(tmpdir(), 'invsync-recorded-'));
  const text = `
data_dir: ${dir}
channels:
  woo:
    type: woocommerce
    mode: live
    url: http://127.0.0.1:8099
    base_url: ${baseUrl}
    consumer_key: ck_test
    consumer_secret: cs_test
    webhook_secret: whsec_local_0123456789abcdef
`;
  const { config } = parseConfig(text, {
    file: join(dir, 'config.yaml'),
    env: {},
    definitions: await definitions(),
  });
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  const { engine, close } = await compose(config, store, { log: silentLog });
  const live = [...engine.channels.values()][0];
  if (live === undefined) throw new Error('no channel');
  const signal = new AbortController().signal;
  const stock = [...products, ...variations].flatMap((row) => {
    const number = /^SKU-(\d+)$/.exec(String(row['sku']))?.[1];
    const start =
      number === undefined ? (String(row['sku']).startsWith('TSHIRT-') ? 25 : null) : 10 * Number(number);
    return start === null ? [] : [{ sku: String(row['sku']), start }];
  });
  const asOf = Date.parse('2026-11-23T04:00:00Z');
  await store.stock.change(
    stock.map(({ sku, start }) => ({
      sku,
      kind: 'count',
      quantity: start,
      basis: 'shelf',
      asOf,
      create: true,
      ref: null,
      presumeGoneMs: {},
    })),
    { by: 'test', reason: null },
    engine.clock.now(),
  );
  await importCatalogue(engine, live, () => undefined, signal);
  const receiver = createReceiver(engine);
  const ingest = createIngest(engine);
  for (const delivery of fed) {
    const headers = Object.fromEntries(
      Object.entries(delivery.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const answer = await receiver.receive('woo', {
      method: 'POST',
      path: delivery.path.replace('/hooks/woo', ''),
      query: '',
      headers,
      body: Buffer.from(delivery.body_base64, 'base64'),
      receivedAt: engine.clock.now(),
    });
    expect(answer.status).toBe(200);
  }
  await ingest.runUntilIdle();
  const pulled = await pullOrders(engine, live, { kind: 'open' }, signal);
  expect(pulled.error).toBe(null);
  await ingest.runUntilIdle();
  const orders = await store.orders.list({ limit: 1_000 });
  const audit = await store.reports.audit();
  await close();
  await store.close();
  const held = new Map(
    orders.flatMap((order) => order.lines.map((line) => [line.lineKey, line.taken] as const)),
  );
  return {
    held,
    missing: orders.filter((order) => order.missing).map((order) => order.orderId),
    open: audit.open,
  };
}

/** What the shop itself holds: `_reduced_stock`, or the quantity of a live line whose product it does not manage. */
function truth(): Map<string, number> {
  const unmanaged = new Set(
    [...products, ...variations].filter((row) => row['manage_stock'] === false).map((row) => row['id']),
  );
  const held = new Map<string, number>();
  for (const order of [...finalOrders, ...(trashed === undefined ? [] : [trashed])]) {
    for (const line of order.line_items) {
      const reduced = Number(line.meta_data.find((meta) => meta.key === '_reduced_stock')?.value ?? 0);
      const live = ['processing', 'completed', 'on-hold'].includes(order.status);
      const product = line.variation_id === 0 ? line.product_id : line.variation_id;
      held.set(String(line.id), unmanaged.has(product) && live ? line.quantity : reduced);
    }
  }
  return held;
}

function shuffled<T>(items: T[], seed: number): T[] {
  const result = [...items];
  let state = seed;
  for (let i = result.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    const swap = result[i] as T;
    result[i] = result[j] as T;
    result[j] = swap;
  }
  return result;
}

const orders: [string, (all: Recorded[]) => Recorded[]][] = [
  ['as recorded', (all) => all],
  ['reversed', (all) => [...all].reverse()],
  ['shuffled (seed 1)', (all) => shuffled(all, 1)],
  ['shuffled (seed 2)', (all) => shuffled(all, 2)],
  ['shuffled (seed 3)', (all) => shuffled(all, 3)],
  ['three times over', (all) => [...all, ...all, ...all]],
  ['three times over, shuffled', (all) => shuffled([...all, ...all, ...all], 4)],
  ['only every second one', (all) => all.filter((_, index) => index % 2 === 0)],
  ['none at all: the back-fill alone', () => []],
];

describe.skipIf(!found)('the recorded deliveries of a real shop (needs the shared material)', () => {
  test.each(orders)(
    '%s: every line ends at what the shop itself holds, and the books close',
    async (_, arrange) => {
      const { held, open } = await heldAfter(arrange(deliveries));
      const differing = [...truth()]
        .filter(([line, units]) => (held.get(line) ?? 0) !== units)
        .map(([line, units]) => `line ${line}: shop ${units}, books ${held.get(line)}`);
      expect(differing).toEqual([]);
      expect(open).toEqual([]);
    },
  );

  test('the order that was deleted for good keeps what it held', async () => {
    const { held } = await heldAfter(deliveries);
    const known = new Set([...truth().keys()]);
    const rest = [...held].filter(([line, units]) => !known.has(line) && units > 0);
    expect(rest.length).toBe(1);
  });
});
