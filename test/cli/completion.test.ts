import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp } from '../crash/folder.ts';
import { makeWorld } from './world.ts';

const offered = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0]]));

describe('what completion offers', () => {
  const of = async (world: ReturnType<typeof makeWorld>, ...words: string[]) => {
    const { code, out, err } = await world.invsync('__complete', ...words);
    expect([code, err]).toEqual([EXIT.ok, '']);
    return offered(out);
  };

  test('are commands, their verbs and flags, from the commands themselves', async () => {
    const world = makeWorld();
    expect(await of(world, 'st')).toEqual(['status', 'stock']);
    expect(await of(world, 'stock', 're')).toEqual(['receive', 'rename']);
    expect(await of(world, 'stock', 'set', 'MUG', '4', '--as')).toEqual(['--as-of']);
    expect(await of(world, '--config', 'config.yaml', 'stock', 'set', '--reason', 'why', '--re')).toEqual([]);
    expect(await of(world, 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await of(world, 'help', 'form')).toEqual(['formatting']);
  });

  test('are channels, SKUs and listings out of the books, and files where a file is meant', async () => {
    const world = makeWorld();
    world.write('stock.csv', 'sku,on_hand\nMUG-BLK,4\nMUG-RED,2\nTEA,1\n');
    await world.ok('stock import stock.csv --yes');
    world.one.list({ listingId: 'gid://1/MUG', sku: 'MUG-BLK', shown: 4 });
    await world.ok('listings import one');
    expect(await of(world, 'stock', 'show', 'MUG')).toEqual(['MUG-BLK', 'MUG-RED']);
    expect(await of(world, 'explain', 'T')).toEqual(['TEA']);
    expect(await of(world, 'channels', 'pause', '')).toEqual(['one', 'two']);
    expect(await of(world, 'orders', 'list', '--channel', 't')).toEqual(['two']);
    expect(await of(world, 'listings', 'unmap', 'one', 'gid')).toEqual(['gid://1/MUG']);
    expect(await of(world, 'listings', 'unmap', 'two', '')).toEqual([]);
    expect(await of(world, 'stock', 'import', 'st')).toEqual([':files']);
    expect(await of(world, 'config', 'new', 'shop')).toEqual(['shopify']);
  });

  test('is nothing where there is no configuration, and makes no database', async () => {
    const world = makeWorld();
    expect(await of(world, 'stock', 'show', '')).toEqual([]);
    expect(await of(world, 'channels', 'show', '')).toEqual(['one', 'two']);
    expect(await of(world, '--config', 'nowhere.yaml', 'channels', 'show', '')).toEqual([]);
    expect(spawnSync('ls', [world.dataDir]).status).not.toBe(0);
  });

  test('is bounded', async () => {
    const world = makeWorld();
    const rows = Array.from({ length: 300 }, (_, n) => `S-${1_000 + n},1`);
    world.write('stock.csv', ['sku,on_hand', ...rows, 'T-1,1', ''].join('\n'));
    await world.ok('stock import stock.csv --yes');
    expect(await of(world, 'stock', 'show', 'S-')).toHaveLength(200);
    expect(await of(world, 'stock', 'show', 'T')).toEqual(['T-1']);
  });
});

const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const bin = join(import.meta.dirname, '../../bin/invsync.js');

/** A folder whose `invsync` is the built program, with two SKUs in its books. */
describe('completion in the shell itself', () => {
  let dir = '';
  let env: NodeJS.ProcessEnv = {};
  beforeAll(async () => {
    dir = newFolder();
    await stockUp(dir, 'shop', new Map(['MUG-BLK', 'TEA GREEN'].map((sku) => [sku, 7])));
    await configure(dir, { shop: memoryChannel });
    writeFileSync(join(dir, 'invsync'), `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`);
    chmodSync(join(dir, 'invsync'), 0o755);
    env = {
      PATH: `${dir}:${process.env['PATH']}`,
      HOME: dir,
      TERM: 'dumb',
      INVSYNC_CONFIG: join(dir, 'config.yaml'),
    };
  });
  afterAll(forgetFolders);

  /** What the terminal showed once these keys were pressed and the lines had run. */
  async function typed(shell: string, setUp: string, keys: string): Promise<string> {
    const terminal = spawn('script', ['-qfec', shell, '/dev/null'], { env, cwd: dir });
    let shown = '';
    const until = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`waited in vain for ${text}:\n${shown}`)), 15_000);
        const look = () => {
          if (!shown.includes(text)) return;
          clearTimeout(late);
          terminal.stdout.off('data', look);
          resolve();
        };
        terminal.stdout.on('data', look);
        look();
      });
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8');
    });
    terminal.stdin.write(`${setUp}; echo set-$((40 + 2))\n`);
    await until('set-42');
    terminal.stdin.write(`${keys}\n`);
    await until('COUNTED');
    terminal.stdin.write('exit\n');
    await new Promise((resolve) => terminal.once('close', resolve));
    return shown;
  }

  const lines = (text: string) => text.split(/\r?\n/).filter((line) => /^\S.* 7 .* yes/.test(line));

  test.skipIf(!has('script'))('bash finds the command, the SKU and one with a blank', async () => {
    const setUp = 'eval "$(invsync completion bash)"';
    const shown = await typed('bash --norc --noprofile', setUp, 'invsync stoc\tshow MU\t');
    expect(lines(shown), shown).toEqual([expect.stringMatching(/^MUG-BLK/)]);
    const blank = await typed('bash --norc --noprofile', setUp, 'invsync stock show TEA\\ G\t');
    expect(lines(blank), blank).toEqual([expect.stringMatching(/^TEA GREEN/)]);
  });

  test.skipIf(!has('zsh') || !has('script'))('zsh finds the command and the SKU', async () => {
    const setUp = 'autoload -U compinit; compinit -u -D; eval "$(invsync completion zsh)"';
    const shown = await typed('zsh -f', setUp, 'invsync stoc\tshow MU\t');
    expect(lines(shown), shown).toEqual([expect.stringMatching(/^MUG-BLK/)]);
  });

  test.skipIf(!has('fish'))('fish finds commands with what they mean, SKUs and channels', () => {
    const ask = (line: string) =>
      spawnSync('fish', ['--no-config', '-c', `invsync completion fish | source; complete -C '${line}'`], {
        env,
        cwd: dir,
        encoding: 'utf8',
      }).stdout;
    expect(ask('invsync stoc')).toMatch(/^stock\tthe numbers/);
    expect(offered(ask('invsync stock show MU'))).toEqual(['MUG-BLK']);
    expect(offered(ask('invsync orders list --channel '))).toEqual(['shop']);
  });
});
