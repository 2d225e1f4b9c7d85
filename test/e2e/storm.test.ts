import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AmazonShop, createAmazonShop } from '../../src/sandbox/amazon/index.ts';
import { type Addresses, type Daemon, invsync, prepare, startDaemon } from '../crash/daemon.ts';
import { configure, forgetFolders, newFolder } from '../crash/folder.ts';

/**
 * The report that this product's founding text quotes: one message of SNS, delivered 100,015 times. `npm run storm`
 * sends so many to the real daemon over HTTP; `npm test` sends 2,000.
 */
const times = Number(process.env['INVSYNC_STORM'] ?? 2_000);
/** What a daemon that keeps nothing per repeat stays below; idle it has less than half of it. */
const mostMb = 320;

describe(`one message ${times} times`, () => {
  let at: Addresses;
  let daemon: Daemon;
  let shop: AmazonShop;
  let orderId: string;

  beforeAll(async () => {
    const catalogue = [{ sku: 'MUG', title: 'Mug', stock: 10 }];
    shop = createAmazonShop({ name: 'amazon-shop', seed: 5, timeScale: 60, catalogue, port: 0 });
    await shop.start();
    const dir = newFolder();
    // Polling is off, so that only the storm can tell of the sale.
    const channel = { ...shop.channelConfig(), mode: 'observe', poll: 'off' };
    at = await configure(dir, { 'amazon-shop': channel });
    await prepare(dir, ['stock', 'set', 'MUG', '10', '--reason', 'start']);
    await prepare(dir, ['listings', 'import', 'amazon-shop']);
    daemon = startDaemon(at);
    await daemon.ready();
    await shop.topic.subscribe(`${at.publicUrl}/hooks/amazon-shop`);
    await until(() => shop.topic.subscriptions().some(({ confirmed }) => confirmed), 'the subscription');
    const sold = shop.sell({ lines: [{ sku: 'MUG', quantity: 1 }] });
    if (!sold.sold) throw new Error('not sold');
    orderId = sold.order_id;
  });
  afterAll(async () => {
    daemon?.signal('SIGKILL');
    await daemon?.ended;
    await shop?.stop();
    forgetFolders();
  });

  test('from the topic: every one is acknowledged, stock falls once, the daemon answers others meanwhile and stays small', async () => {
    let storming = true;
    const answers: number[] = [];
    const asking = (async () => {
      while (storming) {
        const began = performance.now();
        const { ok } = await fetch(`${at.adminUrl}/healthz`);
        if (!ok) throw new Error('not healthy during the storm');
        answers.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const began = performance.now();
    const storm = await shop.storm({ times, to: 'topic' });
    const seconds = (performance.now() - began) / 1_000;
    storming = false;
    await asking;
    expect(storm).toEqual({ sent: times, ok: times, refused: 0, failed: 0 });
    expect(answers.length).toBeGreaterThan(0);
    await until(async () => (await available()) === 9, 'the sale to reach the books');
    expect(await sales()).toBe(1);
    const peakMb = peakMbOf(daemon.pid);
    report({ from: 'topic', seconds, answers, peakMb });
    if (peakMb !== null) expect(peakMb).toBeLessThan(mostMb);
  });

  test('from the queue: all are taken out, and nothing changes', async () => {
    const began = performance.now();
    await shop.storm({ times, to: 'queue' });
    await until(() => left() === 0, 'the queue to be empty', times * 20 + 20_000);
    report({
      from: 'queue',
      seconds: (performance.now() - began) / 1_000,
      answers: [],
      peakMb: peakMbOf(daemon.pid),
    });
    await until(async () => (await pending()) === 0, 'the inbox to be empty');
    expect(await available()).toBe(9);
    expect(await sales()).toBe(1);
  });

  const left = (): number => shop.queue.counts().visible + shop.queue.counts().inFlight;

  async function ask(path: string): Promise<unknown> {
    return await (await fetch(`${at.adminUrl}/api/v1/${path}`)).json();
  }
  async function available(): Promise<number> {
    return ((await ask('stock/MUG')) as { available: number }).available;
  }
  async function pending(): Promise<number> {
    return ((await ask('status')) as { inbox: { pending: number } }).inbox.pending;
  }
  /** Entries of the ledger for the SKU that a sale made. */
  async function sales(): Promise<number> {
    const { stdout } = await invsync(at.dir, ['explain', 'MUG', '--json']);
    const { entries } = JSON.parse(stdout) as { entries: { kind: string; order_id: string | null }[] };
    return entries.filter((entry) => entry.order_id === orderId).length;
  }
});

async function until(
  holds: () => Promise<boolean> | boolean,
  what: string,
  patienceMs = 20_000,
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The most memory that a process ever had, where the system tells it. */
function peakMbOf(pid: number): number | null {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return null;
  const kb = /VmHWM:\s+(\d+) kB/.exec(readFileSync(file, 'utf8'))?.[1];
  return kb === undefined ? null : Math.round(Number(kb) / 1024);
}

/** For who runs `npm run storm`. */
function report(facts: { from: string; seconds: number; answers: number[]; peakMb: number | null }): void {
  if (process.env['INVSYNC_STORM'] === undefined) return;
  const sorted = [...facts.answers].sort((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)];
  const health = p99 === undefined ? '' : `, health answered within ${Math.round(p99)} ms (p99)`;
  const rate = Math.round(times / facts.seconds);
  console.log(
    `${times} from the ${facts.from}: ${facts.seconds.toFixed(1)} s, ${rate}/s${health}, peak ${facts.peakMb} MB`,
  );
}
