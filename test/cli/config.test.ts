import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { EXIT } from '../../src/errors.ts';
import { acme } from '../config/acme.ts';
import { type HeardIo, heard } from './io.ts';

const secret = 'tok-4711-very-secret';
const sound = `channels:\n  one: { type: acme, shop: mugs, api_token: \${ACME_TOKEN}, buffer: 2 }\n`;
const unsound = `reconcile: { max_change: lots }\nchannels:\n  one: { type: acme, api_token: ${secret}, bufer: 2 }\n`;

describe('invsync config', () => {
  let cwd = '';
  let io: HeardIo;
  const invsync = (...argv: string[]) => run(argv, io, { definitions: async () => [acme] });
  const write = (text: string) => writeFileSync(join(cwd, 'config.yaml'), text);

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'invsync-cli-'));
    io = heard({ cwd, env: { ACME_TOKEN: secret } });
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  test('show prints every setting with what rules, and no secret', async () => {
    write(sound);
    expect(await invsync('config', 'show')).toBe(EXIT.ok);
    expect(io.out).toMatch(/^channels\.one\.buffer +file +2$/m);
    expect(io.out).toMatch(/^channels\.one\.api_token +file +\[redacted\]$/m);
    expect(io.out).toMatch(/^reconcile\.max_zero +default +5%$/m);
    expect(io.out + io.err).not.toContain(secret);
  });

  test('show --json is one document with the same', async () => {
    write(sound);
    expect(await invsync('config', 'show', '--json')).toBe(EXIT.ok);
    expect(JSON.parse(io.out)).toMatchObject({
      file: join(cwd, 'config.yaml'),
      config: { channels: { one: { buffer: 2, api_token: '[redacted]', poll: '10m' } } },
      rules: { 'channels.one.buffer': 'file', 'channels.one.poll': 'default' },
      warnings: [],
    });
    expect(io.out + io.err).not.toContain(secret);
  });

  test('check says that a sound file is sound', async () => {
    write(sound);
    expect(await invsync('config', 'check', '--json')).toBe(EXIT.ok);
    expect(JSON.parse(io.out)).toEqual({
      ok: true,
      file: join(cwd, 'config.yaml'),
      problems: [],
      warnings: [],
    });
  });

  test('check names all problems with their lines and exits 2', async () => {
    write(unsound);
    expect(await invsync('config', 'check')).toBe(EXIT.usage);
    expect(io.out).toContain('line 1  reconcile.max_change: is not a percentage');
    expect(io.out).toContain('line 3  channels.one.shop: is missing (name of the shop)');
    expect(io.out).toContain('line 3  channels.one.bufer: unknown key (did you mean buffer?)');
    expect(io.out).toContain('line 3  channels.one.api_token: a secret in clear text');
    expect(io.out + io.err).not.toContain(secret);
  });

  test('check --json names them as data', async () => {
    write(unsound);
    expect(await invsync('config', 'check', '--json')).toBe(EXIT.usage);
    const found = JSON.parse(io.out);
    expect(found).toMatchObject({ ok: false, warnings: [{ line: 3, path: 'channels.one.api_token' }] });
    expect(found.problems).toContainEqual({
      path: 'channels.one.bufer',
      line: 3,
      message: 'unknown key',
      hint: 'did you mean buffer?',
    });
    expect(io.err).toBe('');
    expect(io.out).not.toContain(secret);
  });

  test('any other command fails with the same problems', async () => {
    write(unsound);
    expect(await invsync('config', 'show')).toBe(EXIT.usage);
    expect(io.out).toBe('');
    expect(io.err).toContain('has 3 problems\n  line 1  reconcile.max_change');
    io.out = '';
    expect(await invsync('config', 'show', '--json')).toBe(EXIT.usage);
    expect(JSON.parse(io.out).error).toMatchObject({ code: 'config', problems: { length: 3 } });
    expect(io.out + io.err).not.toContain(secret);
  });

  test('without any file tells how to make one', async () => {
    expect(await invsync('config', 'check', '--json')).toBe(EXIT.usage);
    expect(JSON.parse(io.out).error).toMatchObject({
      code: 'config',
      hint: expect.stringContaining('copy config.example.yaml'),
    });
    io.out = '';
    expect(await invsync('config', 'check', '--config', 'mine.yaml')).toBe(EXIT.usage);
    expect(io.err).toContain(`cannot read ${join(cwd, 'mine.yaml')} (ENOENT)`);
  });
});
