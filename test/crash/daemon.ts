import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** The program as its users start it, built. */
const bin = join(import.meta.dirname, '../../bin/invsync.js');

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A child that runs `invsync serve`; its log is `daemon.log` beside the configuration. */
export interface Daemon {
  /** Resolves when it says that it is ready; rejects with its log when it ends before. */
  ready(): Promise<void>;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  log(): string;
}

/** Addresses of a daemon that is started again and again. */
export interface Addresses {
  dir: string;
  publicUrl: string;
  adminUrl: string;
}

export function startDaemon(at: Addresses, env: Readonly<Record<string, string>> = {}): Daemon {
  const file = join(at.dir, 'daemon.log');
  writeFileSync(file, '', { flag: 'a' });
  const child = spawn(process.execPath, [bin, 'serve', '--config', join(at.dir, 'config.yaml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  child.stderr.on('data', (chunk: Buffer) => appendFileSync(file, chunk));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const log = () => readFileSync(file, 'utf8');
  return {
    ready: () => untilReady(child, `${at.adminUrl}/readyz`, log),
    pid: child.pid ?? 0,
    signal: (name) => void child.kill(name),
    ended,
    log,
  };
}

async function untilReady(child: ChildProcess, url: string, log: () => string): Promise<void> {
  const until = Date.now() + 15_000;
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    const ok = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await pause(20);
  }
  throw new Error(`the daemon did not become ready:\n${log()}`);
}

/** Runs one command to its end. */
export async function invsync(
  dir: string,
  args: string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [bin, ...args, '--config', join(dir, 'config.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** Like `invsync`, for steps that only prepare: throws what it printed unless it ends with 0. */
export async function prepare(dir: string, args: string[]): Promise<void> {
  const { code, stdout, stderr } = await invsync(dir, args);
  if (code !== 0) throw new Error(`invsync ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
}

/** Two addresses on this machine that are free now. */
export async function freeAddresses(dir: string): Promise<Addresses> {
  const servers = [createServer(), createServer()];
  const urls = await Promise.all(
    servers.map(
      (server) =>
        new Promise<string>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            const port = typeof address === 'object' && address !== null ? address.port : 0;
            resolve(`http://127.0.0.1:${port}`);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [publicUrl = '', adminUrl = ''] = urls;
  return { dir, publicUrl, adminUrl };
}
