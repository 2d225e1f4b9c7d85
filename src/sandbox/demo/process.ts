import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';

/** The program itself, as a user would start it. */
const bin = fileURLToPath(new URL('../../../bin/invsync.js', import.meta.url));

/** A child that runs `invsync serve`. */
export interface ServeProcess {
  /** Resolves when it answers that it is ready. */
  ready(): Promise<void>;
  /** SIGKILL, at any moment. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts the daemon on a folder's config.yaml; its log goes to `daemon.log` there. */
export function serveIn(dir: string, adminUrl: string): ServeProcess {
  const log = createWriteStream(join(dir, 'daemon.log'), { flags: 'a' });
  const child = spawn(
    process.execPath,
    [bin, 'serve', '--config', join(dir, 'config.yaml'), '--log-level', 'info'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  child.stderr?.pipe(log);
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    ready: () => untilReady(child, adminUrl, dir),
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    stop: async () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

async function untilReady(child: ChildProcess, adminUrl: string, dir: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    const ok = await fetch(`${adminUrl}/readyz`)
      .then((answer) => answer.ok)
      .catch(() => false);
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new AppError('daemon_not_ready', 'the daemon of the demo did not become ready', {
    hint: `its log is ${join(dir, 'daemon.log')}`,
  });
}

/** Runs one command line of the program to its end and answers its JSON document. Throws what it printed on failure. */
export async function invsync(dir: string, args: string[]): Promise<unknown> {
  const child = spawn(process.execPath, [bin, ...args, '--json', '--config', join(dir, 'config.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let talk = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    talk += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0 && code !== 3) {
    throw new AppError('demo_command', `invsync ${args.join(' ')} ended with ${code}: ${out || talk}`, {
      hint: 'run the demo with --keep DIR and repeat the command there',
    });
  }
  return JSON.parse(out);
}

/** Ports of this machine that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
