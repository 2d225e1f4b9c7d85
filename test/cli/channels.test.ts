import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

const names = (rows: { channel: string }[]) => rows.map((row) => row.channel);

describe('channels list, show and types', () => {
  test('list says how each channel stands', async () => {
    const { channels } = await world.ok('channels list');
    expect(names(channels)).toEqual(['one', 'two']);
    expect(channels[0]).toEqual({
      channel: 'one',
      type: 'memory',
      mode: 'observe',
      state: 'ok',
      last_ok_at: null,
      feed_fresh: false,
      due: 0,
      dead: 0,
      missed_webhooks: 0,
      kept_aside: 0,
      note: null,
      failing_since: null,
      last_error: null,
      last_reconcile_at: null,
      webhook_heard_at: null,
      webhook_refused: 0,
      oldest_due_s: 0,
    });
  });

  test('a command that only reads writes nothing once the channels are known', async () => {
    await world.invsync('channels', 'list');
    await world.withStore(async (store) => {
      store.changedSince();
      await world.invsync('channels', 'list');
      await world.invsync('stock', 'list');
      await world.invsync('status');
      expect(store.changedSince()).toBe(false);
    });
  });

  test('show tells all of one channel', async () => {
    const shown = await world.ok('channels show one');
    expect(shown).toMatchObject({
      channel: 'one',
      mode_in_file: 'observe',
      mode_by: 'file',
      paused: false,
      note: null,
    });
    const { error } = await world.json(EXIT.usage, 'channels', 'show', 'onne');
    expect(error).toMatchObject({ code: 'unknown_channel', hint: 'did you mean one?' });
  });

  test('types lists what is built in, without any configuration', async () => {
    world.configure('not: [a configuration');
    const { types } = await world.ok('channels types');
    const memory = types.find((row: { type: string }) => row.type === 'memory');
    expect(memory).toMatchObject({
      title: 'In memory',
      grade: 'sandbox',
      capabilities: { basis: 'net', order_lag_ms: 0 },
    });
    expect(types.length).toBeGreaterThan(2);
  });
});

describe('channels mode', () => {
  test('asks before a channel becomes live, and for nothing else', async () => {
    const { error } = await world.json(EXIT.usage, 'channels', 'mode', 'one', 'live');
    expect(error).toMatchObject({
      code: 'needs_yes',
      plan: { channel: 'one', mode: 'live', mapped: 0, unmapped: 0 },
    });
    expect(await world.ok('channels mode one shadow')).toMatchObject({
      mode: 'shadow',
      before: 'observe',
    });
    const live = await world.ok('channels mode one live --yes');
    expect(live).toMatchObject({ mode: 'live', before: 'shadow', mode_in_file: 'observe' });
    expect(live.warnings).toEqual(['the file says mode: observe; this command rules until the file changes']);
    const { channels } = await world.ok('channels list');
    expect(channels[0]).toMatchObject({ mode: 'live', state: 'starting' });
  });

  test('whichever of file and command was changed last wins', async () => {
    await world.ok('channels mode one shadow');
    const mode = async () => (await world.ok('channels show one')).mode;
    expect(await mode()).toBe('shadow');
    const shown = await world.ok('config show');
    expect([shown.config.channels.one.mode, shown.rules['channels.one.mode']]).toEqual(['shadow', 'command']);
    expect(shown.rules['channels.two.mode']).toBe('file');
    const file = `channels: { one: { type: memory, mode: live, platform: x, secret: made-up } }\n`;
    world.configure(file);
    expect((await world.ok('config show')).rules['channels.one.mode']).toBe('file');
    expect(await mode()).toBe('live');
    await world.ok('channels mode one observe');
    expect(await mode()).toBe('observe');
  });

  test.each([
    [['mode', 'one', 'on'], 'the mode "on" is none of observe, shadow, live'],
    [['mode', 'three', 'live', '--yes'], 'no channel is called "three"'],
    [['pause'], 'name one channel, or give --all'],
    [['pause', 'one', '--all'], 'name one channel, or give --all'],
    [['resume', 'three'], 'no channel is called "three"'],
    [['rename', 'one', 'Big Shop'], '"Big Shop" is not a name for a channel'],
    [['remove', 'one', '--yes'], 'is still in the configuration file'],
  ])('refuses channels %s', async (line, message) => {
    expect((await world.json(EXIT.usage, 'channels', ...line)).error.message).toContain(message);
  });
});

describe('channels pause and resume', () => {
  test('--all is the panic button', async () => {
    expect(await world.ok('channels pause --all')).toMatchObject({
      channels: ['one', 'two'],
      paused: true,
    });
    const { channels } = await world.ok('channels list');
    expect(channels.map((row: { state: string }) => row.state)).toEqual(['paused', 'paused']);
    expect((await world.ok('channels pause one')).channels).toEqual([]);
    expect(await world.ok('channels resume two')).toMatchObject({
      channels: ['two'],
      paused: false,
    });
    expect((await world.ok('channels resume --all')).channels).toEqual(['one']);
  });
});

describe('channels rename and remove', () => {
  const file = (name: string) => `channels: { ${name}: { type: memory, platform: x, secret: made-up } }\n`;

  test('a channel that the file renamed is followed with its listings', async () => {
    world.one.list({ sku: 'MUG', shown: 3 });
    await world.ok('listings import one');
    world.configure(file('shop-de'));
    const { channels } = await world.ok('channels list');
    expect(channels.map((row: { channel: string; state: string }) => [row.channel, row.state])).toEqual([
      ['one', 'orphaned'],
      ['shop-de', 'ok'],
      ['two', 'orphaned'],
    ]);
    expect((await world.ok('channels rename one shop-de')).warnings).toEqual([]);
    const { listings } = await world.ok('listings list');
    expect(names(listings)).toEqual(['shop-de']);
    const after = await world.ok('channels show shop-de');
    expect(after).toMatchObject({ state: 'ok' });
  });

  test('renaming needs no secret, and a file that cannot be read stops it before anything is changed', async () => {
    await world.invsync('channels', 'list');
    const line = `"uno": { type: memory, platform: x, secret: "\${NOT_SET_HERE}" }`;
    world.configure(`channels: { ${line} \n  broken: [\n`);
    expect((await world.json(EXIT.usage, 'channels', 'rename', 'one', 'uno')).error.code).toBe('config');
    expect(names((await world.ok('channels list')).channels)).toContain('one');
    world.configure(`channels: { ${line} }\n`);
    expect((await world.ok('channels rename one uno')).warnings).toEqual([]);
    const { channels } = await world.ok('channels list');
    expect(names(channels).sort()).toEqual(['two', 'uno']);
  });

  test('a new name that comes with another offer is bound by the same shares as any change of the file', async () => {
    world.close();
    world = makeWorld({ mode: 'live' });
    for (let n = 0; n < 20; n += 1) {
      world.one.list({ sku: `S${n}`, shown: 10 });
      await world.json(EXIT.ok, 'stock', 'set', `S${n}`, '10');
    }
    await world.ok('listings import one');
    await world.ok('reconcile');
    const own = `type: memory, mode: live, platform: ${world.one.name}, secret: made-up`;
    world.configure(`channels: { uno: { ${own}, buffer: 100 } }\n`);
    await world.ok('channels rename one uno');
    await world.json(EXIT.brake, 'reconcile');
    expect(Array.from({ length: 20 }, (_, n) => world.one.shown(`S${n}`))).toEqual(Array(20).fill(10));
    const { alerts } = await world.ok('alerts list');
    expect(alerts).toContainEqual(expect.objectContaining({ kind: 'brake', channel: 'uno' }));
  });

  test('only a channel that is gone from the file can be removed, and only after a yes', async () => {
    await world.invsync('channels', 'list');
    world.configure(file('shop-de'));
    expect((await world.json(EXIT.usage, 'channels', 'remove', 'one')).error.code).toBe('needs_yes');
    expect(await world.ok('channels remove one --yes')).toMatchObject({ removed: true });
    const { channels } = await world.ok('channels list');
    expect(names(channels)).toEqual(['shop-de', 'two']);
  });
});
