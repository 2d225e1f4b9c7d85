import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withSecrets } from '../../src/config/secrets-file.ts';
import { EXIT } from '../../src/errors.ts';
import { makeWorld } from '../cli/world.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(text: string, mode = 0o600): void {
  writeFileSync(join(dir, 'secrets.env'), text);
  chmodSync(join(dir, 'secrets.env'), mode);
}

const read = (env = {}) => withSecrets(join(dir, 'config.yaml'), env);

describe('secrets.env beside the configuration', () => {
  test('need not be there', () => {
    expect(read({ A: '1' })).toEqual({ env: { A: '1' }, remarks: [] });
  });

  test('gives variables, quoted or not, and the shell wins', () => {
    write(
      [
        '# keys',
        '',
        'A=plain value # remark',
        "B='it # stays'",
        'export C="a \\"b\\" \\\\"',
        'D=',
        'E=a=b#c',
        'F=file',
      ].join('\r\n'),
    );
    expect(read({ F: 'shell' }).env).toEqual({
      A: 'plain value',
      B: 'it # stays',
      C: 'a "b" \\',
      D: '',
      E: 'a=b#c',
      F: 'shell',
    });
  });

  test('names faulty lines and never what stands there; the sound ones count', () => {
    write('\ufeffA=1\nhunter2\nB="open hunter2\n1C=hunter2\n');
    const { env, remarks } = read();
    expect(env).toEqual({ A: '1' });
    expect(remarks).toEqual([expect.stringContaining('line 2, 3, 4 is no NAME=value')]);
    expect(remarks.join()).not.toContain('hunter2');
  });

  test('that cannot be read, or has faulty lines, stops no command that needs no secret', async () => {
    mkdirSync(join(dir, 'secrets.env'));
    expect(read({ A: '1' })).toEqual({
      env: { A: '1' },
      remarks: [expect.stringContaining('cannot be read')],
    });
    const world = makeWorld();
    world.write('secrets.env', 'no variable\n');
    chmodSync(join(world.cwd, 'secrets.env'), 0o600);
    for (const command of [
      'stock list',
      'orders list',
      'events list',
      'oversells list',
      'pushes list',
      'status',
      'config show',
    ])
      await world.ok(command);
    const ran = await world.invsync('stock', 'list');
    expect(ran.err).toContain('line 1 is no NAME=value');
  });

  test('is closed where others can read it, with a word', () => {
    write('A=1\n', 0o644);
    expect(read().remarks).toEqual([expect.stringContaining('others could read')]);
    expect(statSync(join(dir, 'secrets.env')).mode & 0o777).toBe(0o600);
    expect(read().remarks).toEqual([]);
  });

  test('is read by every command', async () => {
    const world = makeWorld();
    world.write('config.yaml', ['admin:', '  token: $' + '{SOME_TOKEN}', ''].join('\n'));
    expect((await world.json(EXIT.usage, 'web', 'link')).error.message).toContain('SOME_TOKEN');
    world.write('secrets.env', 'SOME_TOKEN=0123456789abcdef0123456789abcdef\n');
    expect((await world.json(EXIT.ok, 'web', 'link')).url).toContain('/login?pass=');
  });
});
