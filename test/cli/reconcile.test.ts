import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { answeringDaemon, makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = makeWorld({ mode: 'live' });
  world.one.list({ sku: 'MUG', shown: 9 });
  world.one.list({ sku: 'TEA', shown: 4 });
  await world.ok('stock set MUG 7');
  await world.ok('stock set TEA 4');
  await world.ok('listings import one');
});

const lineOf = (found: { lines: { sku: string }[] }, sku: string) =>
  found.lines.find((line) => line.sku === sku);

describe('reconcile', () => {
  test('--dry-run prints the plan and writes nothing to the channel', async () => {
    const found = await world.ok('reconcile --dry-run --channel one');
    expect(lineOf(found, 'MUG')).toMatchObject({
      channel: 'one',
      listing_id: 'MUG',
      shown: 9,
      target: 7,
      action: 'lower',
      done: false,
    });
    expect(lineOf(found, 'TEA')).toMatchObject({ shown: 4, target: 4, action: 'none', cause: 'in sync' });
    expect(found.counts).toMatchObject({ listings: 2, lower: 1, none: 1 });
    expect(world.one.writes()).toEqual([]);
    const plain = await world.invsync('reconcile', '--dry-run');
    expect(plain.out).toMatch(/^- {2}one {2}MUG {2}9 -> 7/m);
    expect(plain.out).toMatch(
      /^2 listings: 1 to lower, 0 to raise, 0 waiting for proof, 1 with nothing to do$/m,
    );
    expect(plain.out).toMatch(/To apply exactly this: invsync reconcile --apply \w+/);
  });

  test('corrects, says done, and a second run finds nothing to do', async () => {
    const found = await world.ok('reconcile');
    expect(lineOf(found, 'MUG')).toMatchObject({ action: 'lower', done: true });
    expect(world.one.shown('MUG')).toBe(7);
    const { listings } = await world.ok('stock show MUG');
    expect(listings[0]).toMatchObject({ target: 7, sent: 7, shown: 7, state: 'in sync' });
    const again = await world.ok('reconcile --exit-code');
    expect(again.counts).toMatchObject({ none: 2 });
  });

  test('--exit-code exits 8 only when something is not as it should be', async () => {
    await world.json(EXIT.drift, 'reconcile', '--dry-run', '--exit-code');
    await world.ok('reconcile --dry-run --exit-code --sku TEA');
  });

  test('applies a plan by its id or its file after a yes, and only once', async () => {
    const { plan_id } = await world.ok('reconcile --dry-run --out plan.json');
    expect(existsSync(join(world.cwd, 'plan.json'))).toBe(true);
    const asked = await world.json(EXIT.usage, 'reconcile', '--apply', plan_id);
    expect(asked.error).toMatchObject({ code: 'needs_yes', plan: { plan_id, lines: { length: 2 } } });
    const done = await world.json(EXIT.ok, 'reconcile', '--apply', plan_id, '--yes');
    expect(lineOf(done, 'MUG')).toMatchObject({ done: true });
    expect(world.one.shown('MUG')).toBe(7);
    expect((await world.json(EXIT.failed, 'reconcile', '--apply', plan_id, '--yes')).error.code).toBe(
      'plan_closed',
    );
  });

  test('applies the document that --dry-run --json printed, and skips a line that changed since', async () => {
    const { out } = await world.invsync('reconcile', '--dry-run', '--json');
    writeFileSync(join(world.cwd, 'printed.json'), out);
    world.one.set('MUG', 8);
    const done = await world.json(EXIT.partial, 'reconcile', '--apply', 'printed.json', '--yes');
    expect(done.skipped).toBe(1);
    expect(lineOf(done, 'MUG')).toMatchObject({ done: false, note: expect.stringContaining('skipped') });
    expect(world.one.shown('MUG')).toBe(8);
    expect(JSON.parse(readFileSync(join(world.cwd, 'printed.json'), 'utf8')).warnings).toEqual([]);
  });

  test('exits 5 when the channel is down and 6 when it refuses the credentials', async () => {
    world.one.faults.arm('auth', { count: null });
    expect(await world.json(EXIT.refused, 'reconcile', '--channel', 'one')).toMatchObject({
      failed: [{ channel: 'one', kind: 'auth' }],
    });
    world.one.faults.clear();
    world.one.faults.arm('error', { count: null });
    await world.json(EXIT.temporary, 'reconcile', '--channel', 'one');
  });

  test.each([
    [['--apply', 'nope'], EXIT.usage, '"nope" is neither a saved plan nor a file'],
    [['--apply', 'config.yaml'], EXIT.usage, 'config.yaml cannot be read as a plan'],
    [['--apply', 'x', '--sku', 'MUG'], EXIT.usage, '--apply takes its channels and SKUs from the plan'],
    [['--channel', 'three'], EXIT.usage, 'no channel is called "three"'],
    [['--sku', 'NOPE'], EXIT.failed, 'no SKU is called "NOPE"'],
    [['--wait', '1h'], EXIT.usage, '--wait "1h" is not a time to wait'],
    [['--wait', 'long'], EXIT.usage, '--wait "long" is not a time to wait'],
  ])('refuses reconcile %s', async (line, code, message) => {
    expect((await world.json(code, 'reconcile', ...line)).error.message).toContain(message);
  });
});

describe('with a daemon', () => {
  test('what talks to channels is done by it, and its errors are ours', async () => {
    const daemon = await answeringDaemon(world);
    try {
      const found = await world.ok('reconcile');
      expect(lineOf(found, 'MUG')).toMatchObject({ done: true });
      expect(await world.ok('listings import one')).toMatchObject({ listings: 2 });
      world.one.faults.arm('auth', { count: null });
      expect((await world.json(EXIT.refused, 'listings', 'import', 'one')).error.code).toBe('channel_auth');
      const { daemon: state } = await world.ok('status');
      expect(state).toEqual({ running: true, since: null, version: null });
    } finally {
      await daemon.stop();
    }
    expect((await world.ok('status')).daemon.running).toBe(false);
  });

  test('own books are changed by the command itself, daemon or not', async () => {
    const daemon = await answeringDaemon(world);
    try {
      expect(await world.ok('stock set MUG 3')).toMatchObject({ available: 3 });
    } finally {
      await daemon.stop();
    }
  });

  test('a changed file is not forced on a running daemon', async () => {
    const daemon = await answeringDaemon(world);
    try {
      world.configure('channels: { one: { type: memory, platform: x, secret: made-up } }\n');
      const { channels, warnings } = await world.ok('channels list');
      expect(channels).toHaveLength(2);
      expect(warnings).toEqual([expect.stringContaining('SIGHUP')]);
    } finally {
      await daemon.stop();
    }
  });

  test('a request that nobody began is done here once the holder of the lock is gone', async () => {
    const { takeEngineLock } = await import('../../src/store/sqlite/lock.ts');
    const lock = takeEngineLock(world.dataDir);
    const imported = world.ok('listings import one');
    await world.withStore(async (store) => {
      for (;;) {
        if ((await store.duties.requestsWaiting()).length > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      lock.release();
      expect(await imported).toMatchObject({ listings: 2 });
      expect(await store.duties.requestsWaiting()).toEqual([]);
    });
  });
});
