import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
    expect(read({ A: '1' })).toEqual({ env: { A: '1' }, remark: null });
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

  test('names faulty lines and never what stands there', () => {
    write('A=1\nhunter2\nB="open hunter2\n1C=hunter2\n');
    const fault = () => read();
    expect(fault).toThrow('line 2, 3, 4 is no NAME=value');
    expect(fault).not.toThrow('hunter2');
  });

  test('is closed where others can read it, with a word', () => {
    write('A=1\n', 0o644);
    expect(read().remark).toContain('others could read');
    expect(statSync(join(dir, 'secrets.env')).mode & 0o777).toBe(0o600);
    expect(read().remark).toBeNull();
  });

  test('is read by every command', async () => {
    const world = makeWorld();
    world.write('config.yaml', ['admin:', '  token: $' + '{SOME_TOKEN}', ''].join('\n'));
    expect((await world.json(EXIT.usage, 'web', 'link')).error.message).toContain('SOME_TOKEN');
    world.write('secrets.env', 'SOME_TOKEN=0123456789abcdef0123456789abcdef\n');
    expect((await world.json(EXIT.ok, 'web', 'link')).url).toContain('/login?pass=');
  });
});
