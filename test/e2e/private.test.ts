import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { invsync, startDaemon } from '../crash/daemon.ts';

/**
 * A day of all six shops in little: the sandbox shops put buyers into what they send and answer, the real daemon takes it in,
 * and nothing that is kept, logged, printed or served may hold any of it, or a secret of the configuration.
 */

const root = join(import.meta.dirname, '../..');
/** Of buyers, as the sandbox shops tell of them. */
const buyers = [
  ...['shopper@example.com', '1 Test Street', 'Canary Shopper', 'buyer_canary', '555-0199'],
  ...['canary@members.example.com', 'v2b2V5@chat.seller.example', 'J**n D**', '(+1)213-***-1234'],
  ...['1 S**** Street, New York', 'Please ring twice'],
];

let dir = '';
/** What was kept, logged, printed or served, by where. */
const found = new Map<string, Buffer>();
/** Where buyers and secrets must not be, told by name; empty when all is well. */
const places = (words: readonly string[], of: (place: string) => boolean) =>
  [...found].flatMap(([place, bytes]) =>
    of(place) ? words.filter((word) => bytes.includes(word)).map((word) => `${place}: ${word}`) : [],
  );

function textsUnder(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => (statSync(path).isDirectory() ? textsUnder(path) : readFileSync(path, 'utf8')))
    .join('\n');
}

/** Values of the configuration that its keys call secret. */
function secretsIn(value: unknown, key = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => secretsIn(each, key));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([inner, each]) => secretsIn(each, inner));
  return typeof value === 'string' &&
    /(secret|token|access_key|access_key_id|consumer_key|app_key)$/.test(key)
    ? [value]
    : [];
}

const commands = [
  ...['status', 'config show', 'alerts list --all', 'check', 'status --json', 'channels list --json'],
  ...['orders list --json', 'events list --json', 'alerts list --all --json', 'listings list --json'],
  ...['config show --json', 'webhooks list --json', 'reconcile --dry-run --json'],
];
const pages = [
  '/metrics',
  '/',
  '/index.json',
  '/attention',
  '/attention.json',
  '/drift.json',
  '/api/v1/status',
];

async function look(): Promise<void> {
  const config = parse(readFileSync(join(dir, 'config.yaml'), 'utf8')) as {
    admin: { listen: string };
    server: { listen: string };
  };
  const adminUrl = `http://${config.admin.listen}`;
  const daemon = startDaemon({ dir, adminUrl, publicUrl: `http://${config.server.listen}` });
  await daemon.ready();
  await Promise.all(
    commands.map(async (command) => {
      const { stdout, stderr } = await invsync(dir, command.split(' '));
      found.set(`invsync ${command}`, Buffer.from(stdout + stderr));
    }),
  );
  for (const page of pages) {
    const answer = await fetch(`${adminUrl}${page}`);
    expect([page, answer.status]).toEqual([page, 200]);
    found.set(page, Buffer.from(await answer.arrayBuffer()));
  }
  // While it runs, what was written last lies in the log of the database only.
  for (const name of ['invsync.db', 'invsync.db-wal']) found.set(name, readFileSync(join(dir, name)));
  daemon.signal('SIGTERM');
  await daemon.ended;
  for (const name of ['invsync.db', 'invsync.mark', 'daemon.log'])
    found.set(`${name}, ended`, readFileSync(join(dir, name)));
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-private-'));
  const options = ['--duration', '2s', '--rate', '12', '--seed', '5', '--no-tui', '--json', '--keep', dir];
  const demo = spawnSync(process.execPath, [join(root, 'bin/invsync.js'), 'demo', ...options], {
    encoding: 'utf8',
  });
  expect([demo.status, demo.stdout + demo.stderr]).toEqual([0, expect.any(String)]);
  await look();
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('after a day of all six shops', () => {
  test('there are orders of each of them in the books, and the words that are looked for are those of the shops', async () => {
    const orders = JSON.parse(found.get('invsync orders list --json')?.toString() ?? '{}').orders;
    expect(new Set(orders.map((order: { channel: string }) => order.channel)).size).toBeGreaterThanOrEqual(5);
    const sandbox = textsUnder(join(root, 'src/sandbox'));
    expect(buyers.filter((word) => !sandbox.includes(word))).toEqual([]);
    expect(found.get('invsync.db')?.length).toBeGreaterThan(100_000);
    expect(existsSync(join(dir, 'daemon.log'))).toBe(true);
  });

  test('no buyer is in the database, its log, the log, the output, the page or the metrics', () => {
    expect(places(buyers, () => true)).toEqual([]);
  });

  test('no secret of the configuration is in the log, the output, the page or the metrics', () => {
    const secrets = secretsIn(parse(readFileSync(join(dir, 'config.yaml'), 'utf8')));
    expect(secrets.length).toBeGreaterThan(15);
    expect(places(secrets, (place) => !place.startsWith('invsync.db'))).toEqual([]);
  });

  test('the database holds the tokens of the shops, and no other secret', () => {
    const config = parse(readFileSync(join(dir, 'config.yaml'), 'utf8'));
    const tokens = new Set(
      Object.values<{ refresh_token?: string }>(config.channels).flatMap((each) => each.refresh_token ?? []),
    );
    const others = secretsIn(config).filter((secret) => !tokens.has(secret));
    expect(others.length).toBeGreaterThan(10);
    expect(places(others, (place) => place.startsWith('invsync.db'))).toEqual([]);
  });

  test('its files are for their owner only', () => {
    for (const name of ['invsync.db', 'invsync.mark', 'engine.lock'])
      expect([name, statSync(join(dir, name)).mode & 0o077]).toEqual([name, 0]);
  });
});
