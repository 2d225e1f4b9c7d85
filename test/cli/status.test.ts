import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { clockCheck, nodeCheck } from '../../src/cli/machine-checks.ts';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

describe('status', () => {
  test('prints the whole picture as data and as text', async () => {
    const report = await world.ok('status');
    expect(report).toEqual({
      daemon: { running: false, since: null, version: null },
      channels: [expect.objectContaining({ channel: 'one' }), expect.objectContaining({ channel: 'two' })],
      inbox: { pending: 0, kept_aside: 0, dead: 0 },
      outbox: { due: 0, oldest_s: 0 },
      oversells_open: 0,
      uncounted: 0,
      exposed: 0,
      unexplained_low: 0,
      unmapped_sales: 0,
      sku_changed: 0,
      alerts: { open: 0, unseen: 0, newest: [] },
      backup: { last_at: null, age_s: null },
      warnings: [],
    });
    const plain = await world.invsync('status', '--plain');
    expect(plain.out).toContain('daemon does not run');
    expect(plain.out).toMatch(/^one +memory +observe +ok/m);
  });

  test('says in words what stands still and why', async () => {
    await world.ok('channels pause one');
    const { warnings } = await world.ok('status');
    expect(warnings).toEqual(['one: paused by hand: invsync channels resume']);
  });
});

describe('check', () => {
  test('looks at machine, database and channels', async () => {
    const found = await world.ok('check');
    expect(found.ok).toBe(true);
    const names = found.checks.map(
      (item: { channel: string | null; name: string }) => `${item.channel ?? 'here'} ${item.name}`,
    );
    for (const name of ['node', 'clock', 'data_dir', 'disk', 'fsync', 'database durable', 'database books']) {
      expect(names).toContain(`here ${name}`);
    }
    expect(names).toContain('one reachable');
    expect(names).toContain('two reachable');
    // The file of this test carries its secrets in clear text.
    expect(found.counts.warn).toBeGreaterThan(0);
  });

  test('--offline asks no channel', async () => {
    world.one.faults.arm('auth', { count: null });
    expect((await world.ok('check --offline')).ok).toBe(true);
    const { checks } = await world.json(EXIT.refused, 'check');
    const failed = checks.filter((item: { level: string }) => item.level === 'fail');
    expect(failed).toEqual([
      expect.objectContaining({ channel: 'one', name: 'credentials', remedy: expect.stringMatching(/.+/) }),
    ]);
  });

  test('exits 2 with every problem of the file', async () => {
    world.configure('channels: { one: { type: memori } }\n');
    const { error } = await world.json(EXIT.usage, 'check');
    expect(error).toMatchObject({ code: 'config', problems: [expect.objectContaining({ line: 1 })] });
  });

  test('a folder that cannot be written is a failure with its remedy', async () => {
    writeFileSync(join(world.cwd, 'data'), 'a file where the folder should be');
    const { checks, warnings } = await world.json(EXIT.failed, 'check');
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'data_dir', level: 'fail', remedy: expect.stringMatching(/.+/) }),
    );
    expect(warnings).toEqual([expect.stringContaining('mend this machine first')]);
  });

  test('warns of a folder that everybody can read', async () => {
    await world.invsync('status');
    chmodSync(world.dataDir, 0o755);
    const { checks } = await world.ok('check --offline');
    expect(checks).toContainEqual(expect.objectContaining({ name: 'permissions', level: 'warn' }));
  });

  test('knows an old Node and a dead clock', () => {
    expect(nodeCheck('20.18.3').level).toBe('fail');
    expect(nodeCheck('18.20.0').level).toBe('fail');
    expect(nodeCheck('20.19.0').level).toBe('ok');
    expect(nodeCheck('22.1.0').level).toBe('ok');
    expect(clockCheck(0).level).toBe('fail');
  });
});

describe('db', () => {
  test('check reads everything and adds it up', async () => {
    await world.ok('stock set MUG 7');
    const found = await world.ok('db check');
    expect(found).toMatchObject({ ok: true, skus: 1, entries: 1, open: [] });
  });

  test('migrate makes the database and then finds it up to date', async () => {
    expect(await world.ok('db migrate')).toMatchObject({
      created: true,
      migrated: false,
      copies: [],
    });
    expect(await world.ok('db migrate')).toMatchObject({ created: false, migrated: false });
  });
});

describe('pushes and webhooks', () => {
  test('webhooks are listed, registered and removed after a yes', async () => {
    expect((await world.ok('webhooks list one')).webhooks).toEqual([]);
    const registered = await world.ok('webhooks register one');
    expect(registered.webhooks).toEqual([
      expect.objectContaining({
        channel: 'one',
        status: 'active',
        ours: true,
        url: 'https://sync.example.com/hooks/one',
      }),
    ]);
    expect(registered.changes).toEqual([
      { channel: 'one', change: expect.stringContaining('https://sync.example.com') },
    ]);
    expect((await world.json(EXIT.usage, 'webhooks', 'remove', 'one')).error.code).toBe('needs_yes');
    const removed = await world.ok('webhooks remove one --yes');
    expect(removed).toMatchObject({ webhooks: [], changes: [{ channel: 'one', change: 'hook' }] });
  });

  test('a channel that fails is named and the others are shown: 3, or 1 when all fail', async () => {
    world.one.faults.arm('auth', { count: null });
    const found = await world.json(EXIT.partial, 'webhooks', 'list');
    expect(found.failed).toEqual([{ channel: 'one', error: expect.any(String) }]);
    await world.json(EXIT.failed, 'webhooks', 'list', 'one');
  });

  test('pushes list what is on its way, and retry makes it due', async () => {
    await world.ok('channels mode one live --yes');
    world.one.list({ sku: 'MUG', shown: 9 });
    await world.ok('stock set MUG 7');
    await world.ok('listings import one');
    const { pushes } = await world.ok('pushes list');
    expect(pushes).toEqual([
      expect.objectContaining({ channel: 'one', listing_id: 'MUG', sku: 'MUG', target: 7, status: 'due' }),
    ]);
    expect((await world.json(EXIT.ok, 'pushes', 'list', '--before', String(pushes[0].id))).pushes).toEqual(
      [],
    );
    expect((await world.ok('pushes list --status dead')).pushes).toEqual([]);
    expect((await world.ok('pushes retry --channel one')).retried).toBe(1);
    expect((await world.json(EXIT.usage, 'pushes', 'list', '--status', 'lost')).error.code).toBe('usage');
  });
});
