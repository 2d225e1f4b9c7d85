import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startDaemon } from './crash/daemon.ts';
import { configure, forgetFolders, memoryChannel, newFolder } from './crash/folder.ts';

/** What `ops/` holds is judged by the tools that it is meant for, where they are here. */

const root = join(import.meta.dirname, '..');
const ops = join(root, 'ops');
const has = (program: string, ...args: string[]) => spawnSync(program, args).error === undefined;
const text = (name: string) => readFileSync(join(ops, name), 'utf8');
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-ops-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const run = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};

describe('the systemd units', () => {
  const units = ['invsync.service', 'invsync-check.service', 'invsync-check.timer'];

  test.skipIf(!has('systemd-analyze', '--version'))('are sound (needs systemd-analyze)', () => {
    // The program stands elsewhere on this machine.
    for (const unit of units)
      writeFileSync(join(dir, unit), text(unit).replaceAll('/usr/local/bin/invsync', process.execPath));
    const { status, said } = run('systemd-analyze', 'verify', ...units.map((unit) => join(dir, unit)));
    const ours = said.split('\n').filter((line) => line.includes('invsync') && !line.includes('execute'));
    expect([status, ours]).toEqual([0, []]);
  });

  test.skipIf(!has('systemd-analyze', '--version'))(
    'are exposed by 2.0 of 10 at most (needs systemd-analyze)',
    () => {
      for (const unit of units.filter((name) => name.endsWith('.service'))) {
        const found = run('systemd-analyze', 'security', '--offline=true', '--threshold=20', join(ops, unit));
        expect(found.status, found.said.slice(-200)).toBe(0);
        expect(found.said).toContain('Overall exposure level');
      }
    },
  );
});

describe('the proxies publish the webhooks only', () => {
  test.skipIf(!has('caddy', 'version'))('in the words of Caddy (needs caddy)', () => {
    const file = join(ops, 'Caddyfile');
    const checked = run('caddy', 'validate', '--config', file, '--adapter', 'caddyfile');
    expect(checked.status, checked.said).toBe(0);
    const adapted = spawnSync('caddy', ['adapt', '--config', file, '--adapter', 'caddyfile'], {
      encoding: 'utf8',
    });
    const routes = JSON.stringify(JSON.parse(adapted.stdout));
    expect(routes.match(/"path":\[[^\]]*\]/g)).toEqual(['"path":["/hooks/*"]']);
    expect(routes).toContain('"status_code":404');
  });

  test.skipIf(!has('nginx', '-v') || !has('openssl', 'version'))(
    'in the words of nginx (needs nginx and openssl)',
    () => {
      const [key, pem] = [join(dir, 'key'), join(dir, 'pem')];
      const subject = ['-subj', '/CN=sync.example.com', '-days', '2'];
      run(
        'openssl',
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-out',
        pem,
        ...subject,
      );
      const server = text('nginx.conf')
        .replace('/etc/ssl/sync.example.com.pem', pem)
        .replace('/etc/ssl/sync.example.com.key', key);
      writeFileSync(
        join(dir, 'nginx.conf'),
        `pid ${dir}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${server}\n}\n`,
      );
      const checked = run('nginx', '-t', '-c', join(dir, 'nginx.conf'));
      expect(checked.status, checked.said).toBe(0);
      expect(server.match(/location \S+/g)).toEqual(['location /hooks/', 'location /']);
    },
  );
});

describe('the container', () => {
  test('does not run as root, asks invsync health, and can write to its volume only', () => {
    const steps = text('Dockerfile').split('\n');
    expect(steps.lastIndexOf('USER node')).toBeGreaterThan(
      steps.findLastIndex((line) => line.startsWith('FROM ')),
    );
    expect(text('Dockerfile')).toMatch(/^HEALTHCHECK .* CMD \["invsync", "health"\]$/m);
    expect(text('compose.yaml')).toMatch(/read_only: true[\s\S]*cap_drop: \[ALL\]/);
  });
});

describe('shell scripts', () => {
  const scripts = [
    '.ci/run',
    ...readdirSync(ops).flatMap((name) => (name.endsWith('.sh') ? [`ops/${name}`] : [])),
  ];
  test.skipIf(!has('shellcheck', '--version'))('are sound (needs shellcheck)', () => {
    const found = run('shellcheck', ...scripts.map((name) => join(root, name)));
    expect(found.status, found.said).toBe(0);
  });
});

/** Stands where systemd would: prints each datagram that comes. */
const manager = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(s.recv(4096).decode().replace("\\n", "|"), flush=True)
`;

describe.skipIf(!has('systemd-notify', '--version') || !has('python3', '--version'))(
  'a service manager (needs systemd-notify and python3)',
  () => {
    let end = (): void => undefined;
    afterEach(() => end());
    afterAll(forgetFolders);

    test('hears that the daemon is ready, that it lives, and that it stops', async () => {
      const folder = newFolder();
      const at = await configure(folder, { shop: memoryChannel });
      const socket = join(folder, 'notify');
      const child = spawn('python3', ['-c', manager, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      let heard = '';
      const until = (words: string) =>
        new Promise<void>((resolve, reject) => {
          const late = setTimeout(() => reject(new Error(`no ${words} in ${heard}`)), 15_000);
          const look = () => {
            if (!heard.includes(words)) return;
            clearTimeout(late);
            resolve();
          };
          child.stdout.on('data', look);
          look();
        });
      child.stdout.on('data', (chunk: Buffer) => {
        heard += chunk.toString('utf8');
      });
      end = () => void child.kill('SIGKILL');
      await until('listening');
      const daemon = startDaemon(at, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' });
      await until('READY=1');
      await until('WATCHDOG=1');
      daemon.signal('SIGTERM');
      await until('STOPPING=1');
      expect(await daemon.ended).toEqual({ code: 0, signal: null });
    });
  },
);
