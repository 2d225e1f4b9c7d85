import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

const reading: string[][] = [
  ['status'],
  ['stock', 'list'],
  ['stock', 'show', 'MUG'],
  ['explain', 'MUG'],
  ['orders', 'list'],
  ['oversells', 'list'],
  ['events', 'list'],
  ['pushes', 'list'],
  ['listings', 'list'],
  ['channels', 'list'],
  ['db', 'check'],
];

describe('commands that need no credentials', () => {
  let world: World;
  beforeEach(async () => {
    world = makeWorld();
    await world.ok('stock set MUG 3');
  });

  const config = (line: string) =>
    `channels:\n  one: { type: memory, mode: observe, platform: p, secret: "\${NOT_SET_HERE}" }\n${line}`;

  test.each(reading.map((line) => [line.join(' ')]))(
    '%s works without the secrets, and says nothing of them',
    async (line) => {
      world.configure(config(''));
      const document = await world.json(EXIT.ok, ...line.split(' '));
      expect(JSON.stringify(document)).not.toContain('NOT_SET_HERE');
    },
  );

  test('stock set and channels pause --all work without the secrets too', async () => {
    world.configure(config(''));
    await world.ok('stock set MUG 5');
    await world.ok('channels pause --all');
    const { channels } = await world.ok('channels list');
    expect(channels[0]).toMatchObject({ channel: 'one', state: 'paused' });
  });

  test('what talks to a channel names the secret that is not set', async () => {
    world.configure(config(''));
    const { error } = await world.json(EXIT.usage, 'listings', 'import', 'one');
    expect(JSON.stringify(error)).toContain('the environment variable NOT_SET_HERE is not set');
  });

  test.each([
    ['a faulty value', 'reconcile: { max_change: lots }\n'],
    ['no sound YAML', 'reconcile: [a { broken: line\n'],
  ])('%s in the file is warned of, and stops serve and not status', async (_, line) => {
    world.configure(config(line));
    const { warnings, channels } = await world.ok('status');
    expect(warnings).toContainEqual(
      expect.stringContaining('has faults that stop the daemon: see invsync config check'),
    );
    expect(channels.length).toBeGreaterThan(0);
    await world.json(EXIT.usage, 'config', 'check');
    expect((await world.invsync('serve')).code).toBe(EXIT.usage);
  });

  test('finds the books of a file that is no sound YAML where its data_dir line says, and makes none elsewhere', async () => {
    world.configure('data_dir: ./elsewhere\nchannels: [a { broken: line\n');
    expect((await world.json(EXIT.usage, 'stock', 'list')).error.code).toBe('config');
    expect(existsSync(join(world.cwd, 'elsewhere'))).toBe(false);
    world.configure('data_dir: ./data # here\nchannels: [a { broken: line\n');
    expect((await world.ok('stock list')).stock).toMatchObject([{ sku: 'MUG', available: 3 }]);
  });

  test('an unreadable channel keeps what it was; a changed one is taken over', async () => {
    await world.ok('channels list');
    world.configure(
      'channels:\n  one: { type: memory, mode: shadow, platform: p, secret: s }\n  two: { type: memory, mode: nonsense }\n',
    );
    const { channels } = await world.ok('channels list');
    expect(channels).toMatchObject([
      { channel: 'one', mode: 'shadow', state: expect.not.stringMatching('orphaned') },
      { channel: 'two', mode: 'observe', state: expect.not.stringMatching('orphaned') },
    ]);
  });
});
