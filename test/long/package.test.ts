import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** `npm run package:check`: the tarball in a root that holds a shell and the C library, and nothing else. */

const release = join(import.meta.dirname, '../../release');
const wanted = process.env['INVSYNC_PACKAGE'] !== undefined;
const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const canChroot = has('unshare', '-r', '-m', '-n', 'true') && has('ip', '-V');

let root = '';
const libraries = (binary: string) =>
  [...spawnSync('ldd', [binary], { encoding: 'utf8' }).stdout.matchAll(/(\/\S+) \(0x/g)].map(
    (found) => found[1] ?? '',
  );

/** Runs a command line of the unpacked program where nothing else is: no PATH, no network but loopback. */
function alone(...args: string[]) {
  const into = [
    'mount --rbind /dev "$0/dev"',
    'ip link set lo up',
    'exec /usr/sbin/chroot "$0" /opt/invsync/invsync "$@"',
  ];
  return spawnSync('unshare', ['-r', '-m', '-n', 'sh', '-c', into.join(' && '), root, ...args], {
    encoding: 'utf8',
    env: { HOME: '/tmp', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
}

describe.skipIf(!wanted || !canChroot)('the package (npm run package:check; needs unshare and ip)', () => {
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'invsync-root-'));
    for (const folder of ['opt', 'dev', 'tmp', 'bin']) mkdirSync(join(root, folder));
    const [file = ''] = readdirSync(release).filter((name) => name.endsWith('.tar.gz'));
    expect(spawnSync('sha256sum', ['-c', `${file}.sha256`], { cwd: release }).status).toBe(0);
    expect(spawnSync('tar', ['xzf', join(release, file), '-C', join(root, 'opt')]).status).toBe(0);
    cpSync(join(root, 'opt', file.replace('.tar.gz', '')), join(root, 'opt/invsync'), { recursive: true });
    cpSync('/bin/sh', join(root, 'bin/sh'), { dereference: true });
    const needed = [...libraries('/bin/sh'), ...libraries(join(root, 'opt/invsync/lib/node'))];
    for (const library of new Set(needed)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      cpSync(library, join(root, library), { dereference: true });
    }
  }, 120_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('says its version', () => {
    const { status, stdout, stderr } = alone('--version');
    const { version } = JSON.parse(readFileSync(join(release, '../package.json'), 'utf8')) as {
      version: string;
    };
    expect([status, stdout, stderr]).toEqual([0, `${version}\n`, '']);
  });

  test('checks a configuration and the machine', () => {
    writeFileSync(join(root, 'tmp/config.yaml'), 'data_dir: ./data\nchannels: {}\n');
    const { status, stdout, stderr } = alone('check', '--offline', '--json', '--config', '/tmp/config.yaml');
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).counts.fail).toBe(0);
  });

  test('proves in a demo of all six shops that nothing is lost', () => {
    const { status, stdout, stderr } = alone('demo', '--duration', '15s', '--seed', '3', '--json');
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, books_close: true, oversold_by_engine: 0 });
  });

  test('names the licence of everything that is in it', () => {
    const text = readFileSync(join(root, 'opt/invsync/THIRD-PARTY-LICENSES.txt'), 'utf8');
    const modules = join(root, 'opt/invsync/app/node_modules');
    const names = readdirSync(modules).flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
    );
    expect(names.length).toBeGreaterThan(20);
    for (const name of ['Node.js', ...names]) expect(text).toContain(`\n${name} `);
  });
});
