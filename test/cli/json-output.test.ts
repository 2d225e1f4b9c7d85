import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { EXIT } from '../../src/errors.ts';
import { prove } from '../../src/sandbox/demo/proof.ts';
import { lineOf, order, pulled } from '../contract/store/kit.ts';
import { type KeyRule, keysIn, type Met, readContract, typeFault } from './contract.ts';
import { heard } from './io.ts';
import { type Document, makeWorld, type World } from './world.ts';

const contract = readContract();
/** Documents that the commands printed, by their name in the contract. */
const printed = new Map<string, Document[]>();
let world: World;

/** Runs a command and keeps its document under the name of its section. */
async function keep(name: string, code: number, ...argv: string[]): Promise<Document> {
  const document = await world.json(code, ...argv);
  printed.set(name, [...(printed.get(name) ?? []), document]);
  return document;
}

beforeAll(async () => {
  world = makeWorld({ mode: 'live' });
  await books();
  await channels();
  await listings();
  await events();
  await reconciling();
  await machine();
  printed.set('demo', [proofOfNothing()]);
}, 180_000);
afterAll(() => world.close());

describe('docs/json-output.md', () => {
  test('knows every command that prints JSON', () => {
    expect([...printed.keys()].sort()).toEqual([...contract.keys()].sort());
  });

  test.each([...contract])('holds for %s', (name, rules) => {
    const met = keysOf(name, rules);
    const undocumented = met
      .filter(({ path }) => !rules.some((rule) => rule.path === path))
      .map(({ path }) => path);
    const faults = met.flatMap(({ path, value }) => faultOf(rules, path, value));
    const seen = sharedSeen();
    // A key of a shared object may be met in any document that has one: some lists are empty by their nature.
    const isMet = (rule: KeyRule) =>
      met.some(({ path }) => path === rule.path) || (rule.shared !== null && seen.has(rule.shared));
    const missing = rules.filter((rule) => !isMet(rule)).map((rule) => rule.path);
    expect({ undocumented: [...new Set(undocumented)], missing, faults }).toEqual({
      undocumented: [],
      missing: [],
      faults: [],
    });
  });
});

function keysOf(name: string, rules: readonly KeyRule[]): Met[] {
  return (printed.get(name) ?? []).flatMap((document) => keysIn(document, rules));
}

/** The keys of shared objects that were met in any document. */
function sharedSeen(): Set<string | null> {
  const seen = [...contract].flatMap(([name, rules]) => {
    const paths = new Set(keysOf(name, rules).map(({ path }) => path));
    return rules.filter((rule) => paths.has(rule.path)).map((rule) => rule.shared);
  });
  return new Set(seen);
}

function faultOf(rules: readonly KeyRule[], path: string, value: unknown): string[] {
  const rule = rules.find((each) => each.path === path);
  const fault = rule === undefined ? null : typeFault(value, rule.type);
  return fault === null ? [] : [`${path}: ${fault}`];
}

async function books(): Promise<void> {
  world.one.list({ sku: 'MUG', shown: 2 });
  world.one.list({ sku: 'SET', shown: 1, listingId: 'set' });
  world.one.list({ sku: 'Set', shown: 1, listingId: 'set-2' });
  world.one.list({ sku: 'LATER', shown: 1 });
  await keep('stock receive', EXIT.ok, 'stock', 'receive', 'MUG', '2', '--ref', 'po-1');
  await keep('stock set', EXIT.ok, 'stock', 'set', 'MUG', '2');
  await keep('listings import', EXIT.ok, 'listings', 'import', 'one');
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity: 5 }], force: true });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  const sold = world.one.hookForOrder(order?.id ?? '');
  await world.deliver({ headers: { ...sold.headers, 'x-memory-id': 'again' }, body: sold.body });
  await keep('events replay --dry-run', EXIT.ok, 'events', 'replay', '1', '--dry-run');
  await keep('events replay', EXIT.ok, 'events', 'replay', '--status', 'new', '--yes');
  await keep('orders list', EXIT.ok, 'orders', 'list');
  await keep('orders show', EXIT.ok, 'orders', 'show', order?.id ?? '');
  const { oversells } = await keep('oversells list', EXIT.ok, 'oversells', 'list');
  await keep('explain', EXIT.ok, 'explain', 'MUG');
  await keep('stock set-alert', EXIT.ok, 'stock', 'set-alert', 'MUG', '3');
  const { alerts } = await keep('alerts list', EXIT.ok, 'alerts', 'list');
  await keep('alerts show', EXIT.ok, 'alerts', 'show', String(alerts[0].id));
  await keep('alerts ack', EXIT.ok, 'alerts', 'ack', String(alerts[0].id));
  await keep(
    'oversells resolve',
    EXIT.ok,
    'oversells',
    'resolve',
    String(oversells[0].id),
    '--as',
    'cancelled',
  );
  await keep('stock set', EXIT.ok, 'stock', 'set', 'CUP', '2');
  const reservation = await world.withStore(async (store) => {
    const lines = [{ sku: 'CUP', quantity: 1 }];
    const tie = { channel: 'one', orderRef: '7', reference: 'cart' };
    const held = await store.reservations.hold(
      { key: 'k', bodyHash: 'h', lines, ttlMs: 60_000, ...tie },
      Date.now(),
    );
    return held.kind === 'held' ? held.reservation.id : '';
  });
  await keep('reservations list', EXIT.ok, 'reservations', 'list');
  await keep('reservations release', EXIT.ok, 'reservations', 'release', reservation);
  for (const kind of ['count', 'set']) await keep(`stock ${kind}`, EXIT.ok, 'stock', kind, 'MUG', '9');
  await keep('stock receive', EXIT.ok, 'stock', 'receive', 'MUG', '1');
  await keep('stock adjust', EXIT.ok, 'stock', 'adjust', 'MUG', '-1');
  await keep('stock rename', EXIT.ok, 'stock', 'rename', 'MUG', 'BECHER');
  await keep('stock count', EXIT.ok, 'stock', 'count', 'BECHER', '--from', 'one', '--dry-run');
  await keep('stock show', EXIT.ok, 'stock', 'show', 'BECHER');
  await keep('stock list', EXIT.ok, 'stock', 'list');
  await keep('stock export', EXIT.ok, 'stock', 'export');
  world.write('stock.csv', 'sku,on_hand\nBECHER,8\nX,-1\n');
  await keep('stock import', EXIT.partial, 'stock', 'import', 'stock.csv', '--skip-errors', '--yes');
  world.write('other.csv', 'sku,on_hand\nBECHER,5\nX,-1\nbecher,2\n');
  await keep(
    'stock import --dry-run',
    EXIT.partial,
    'stock',
    'import',
    'other.csv',
    '--skip-errors',
    '--dry-run',
  );
  await brakedImport();
}

/** Enough listings on one SKU that a brake would close. */
async function brakedImport(): Promise<void> {
  for (let at = 0; at < 20; at += 1) world.one.list({ sku: null, shown: 5, listingId: `many-${at}` });
  await world.ok('listings import one');
  await world.ok('stock set MANY 5');
  for (let at = 0; at < 20; at += 1)
    await world.json(EXIT.ok, 'listings', 'map', 'one', `many-${at}`, 'MANY');
  world.write('zero.csv', 'sku,on_hand\nMANY,0\n');
  await keep('stock import --dry-run', EXIT.ok, 'stock', 'import', 'zero.csv', '--dry-run');
  const { error } = await keep('A failure', EXIT.brake, 'stock', 'set', 'MANY', '0');
  await keep('reconcile --show', EXIT.ok, 'reconcile', '--show', error.plan_id);
  // What a failure carries beside its three keys depends on the failure; the page says so in words.
  const [failure] = printed.get('A failure') ?? [];
  printed.set('A failure', [
    { error: { code: failure.error.code, message: failure.error.message, hint: failure.error.hint } },
  ]);
}

/** Two looks at a channel that nobody writes, with a hand edit in between. */
async function calibrated(): Promise<void> {
  await world.ok('channels pause one');
  await keep('channels calibrate', EXIT.ok, 'channels', 'calibrate', 'one');
  world.one.set('many-0', 3);
  await keep('channels calibrate', EXIT.partial, 'channels', 'calibrate', 'one');
  await world.ok('channels resume one');
}

/** A route whose server nobody runs: what it answers is part of the document. */
async function withRoute(): Promise<void> {
  const file = join(world.cwd, 'config.yaml');
  const before = readFileSync(file, 'utf8');
  const route = '{ type: slack, webhook_url: "http://127.0.0.1:1/hook" }';
  world.configure(`${before}\nalerts: { routes: { chat: ${route} } }\n`);
  await keep('alerts test', EXIT.partial, 'alerts', 'test');
  world.configure(before);
}

async function channels(): Promise<void> {
  await calibrated();
  await keep('status', EXIT.ok, 'status');
  await withRoute();
  await keep('web link', EXIT.ok, 'web', 'link');
  await keep('channels list', EXIT.ok, 'channels', 'list');
  await keep('channels show', EXIT.ok, 'channels', 'show', 'one');
  await keep('channels types', EXIT.ok, 'channels', 'types');
  await keep('channels mode', EXIT.ok, 'channels', 'mode', 'two', 'shadow');
  await keep('channels pause', EXIT.ok, 'channels', 'pause', 'two');
  await keep('channels resume', EXIT.ok, 'channels', 'resume', 'two');
  await keep('webhooks register', EXIT.ok, 'webhooks', 'register', 'one');
  await keep('webhooks list', EXIT.ok, 'webhooks', 'list', 'one');
  world.two.faults.arm('auth', { count: null });
  for (const verb of ['list', 'register']) await keep(`webhooks ${verb}`, EXIT.partial, 'webhooks', verb);
  await keep('webhooks remove', EXIT.partial, 'webhooks', 'remove', '--yes');
  world.two.faults.clear();
}

async function listings(): Promise<void> {
  await world.withStore(async (store) => {
    const channel = (await store.channels.list()).find((row) => row.name === 'one');
    const lines = [lineOf(['nameless-1', 'nobody', 2])];
    await store.orders.apply([pulled(channel?.id ?? 0, order('nameless', Date.now(), lines))], Date.now());
  });
  await keep('listings unmatched', EXIT.ok, 'listings', 'unmatched', 'one');
  await keep('listings dismiss', EXIT.ok, 'listings', 'dismiss', 'one', 'nameless');
  await keep('listings map', EXIT.ok, 'listings', 'map', 'one', 'set', 'BECHER=2');
  await keep('listings map', EXIT.ok, 'listings', 'map', 'one', 'set', 'BECHER');
  await keep(
    'listings set',
    EXIT.ok,
    'listings',
    'set',
    'one',
    'set',
    '--buffer',
    '1',
    '--percent',
    '90',
    '--max',
    '8',
  );
  await keep('listings list', EXIT.ok, 'listings', 'list');
  await keep('listings unmap', EXIT.ok, 'listings', 'unmap', 'one', 'set');
  await keep('listings match', EXIT.ok, 'listings', 'match', '--create', '--yes');
}

async function events(): Promise<void> {
  await keep('events list', EXIT.ok, 'events', 'list');
  await keep('events show', EXIT.ok, 'events', 'show', '1');
  await keep('events dismiss', EXIT.partial, 'events', 'dismiss', '1');
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity: 1 }], force: true });
  await world.deliver(world.one.hook('order-ids', { ids: [order?.id ?? ''] }));
  await keep('events replay --dry-run', EXIT.ok, 'events', 'replay', '--status', 'new', '--dry-run');
}

async function reconciling(): Promise<void> {
  world.two.faults.arm('error', { count: null });
  await keep('reconcile', EXIT.partial, 'reconcile', '--dry-run');
  world.two.faults.clear();
  await keep('pushes list', EXIT.ok, 'pushes', 'list');
  // While a delivery waits nothing is raised.
  await world.ok('events replay --status new --yes');
  await keep('reconcile', EXIT.ok, 'reconcile');
  await keep('pushes retry', EXIT.ok, 'pushes', 'retry');
  await keep('explain', EXIT.ok, 'explain', 'BECHER');
  await keep('explain', EXIT.ok, 'explain', 'BECHER', '--at', '0s');
}

async function machine(): Promise<void> {
  await keep('check', EXIT.ok, 'check');
  await keep('db check', EXIT.ok, 'db', 'check');
  await keep('db migrate', EXIT.ok, 'db', 'migrate');
  const { backup } = await keep('backup create', EXIT.ok, 'backup', 'create');
  await keep('backup list', EXIT.ok, 'backup', 'list');
  await keep('backup verify', EXIT.ok, 'backup', 'verify', backup.file);
  await world.json(EXIT.ok, 'stock', 'receive', 'MUG', '1');
  await keep('backup restore', EXIT.ok, 'backup', 'restore', backup.file, '--yes');
  await keep('config show', EXIT.ok, 'config', 'show');
  await keep('config check', EXIT.ok, 'config', 'check');
  await health();
  world.configure('channels: { one: { type: memori } }\n');
  await keep('config check', EXIT.usage, 'config', 'check');
  world.configure(`channels: { shop: { type: memory, platform: ${world.one.name}, secret: made-up } }\n`);
  await keep('channels remove', EXIT.ok, 'channels', 'remove', 'two', '--yes');
  await keep('channels rename', EXIT.ok, 'channels', 'rename', 'one', 'shop');
  const io = heard({ interruption: () => AbortSignal.abort() });
  expect(await run(['sandbox', '--channels', 'woocommerce', '--json'], io)).toBe(EXIT.ok);
  printed.set('sandbox', [JSON.parse(io.out)]);
}

/** The document of `health` of something that answers as a daemon does. */
async function health(): Promise<void> {
  const daemon = createServer((_, answer) => answer.end('{"status":"ok"}'));
  await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve));
  const { port } = daemon.address() as AddressInfo;
  const file = world.write('health.yaml', `admin: { listen: 127.0.0.1:${port} }\nchannels: {}\n`);
  await keep('health', EXIT.ok, 'health', '--config', file);
  daemon.close();
}

/** The document of `demo`, from the function that makes it: a real run takes a minute. */
function proofOfNothing(): Document {
  return JSON.parse(
    JSON.stringify(
      prove(
        [],
        {
          integrity: 'ok',
          skus: [],
          lines: [],
          orders: [],
          listings: [],
          deliveries: [],
          pendingDeliveries: 0,
        } as never,
        { seed: 1, seconds: 1.5, timeScale: 60, chaos: 'none', kills: 0, start: new Map(), warnings: [] },
      ),
    ),
  );
}
