import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Json } from '../channels/channel.ts';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { Store } from '../store/store.ts';
import { portOf } from './ports.ts';

const bin = fileURLToPath(new URL('../../bin/invsync.js', import.meta.url));

/** A running `invsync serve`. */
export interface DaemonProcess {
  readonly pid: number;
  readonly dir: string;
  /** Where it takes webhooks. */
  readonly port: number;
  /** Asks it for work as the commands do (a request row) and answers the result. */
  ask(kind: string, args: Json): Promise<Json>;
  /** SIGTERM; rejects unless it exits 0. */
  stop(): Promise<void>;
  /** SIGKILL if it still runs. */
  kill(): Promise<void>;
}

/** Starts the real daemon in `dir` with these channels; resolves when it is ready. */
export async function startServe(
  dir: string,
  channels: Readonly<Record<string, Record<string, unknown>>>,
): Promise<DaemonProcess> {
  const [listen = 0, admin = 0] = await freePorts(2);
  const config = {
    data_dir: '.',
    server: { listen: `127.0.0.1:${listen}`, public_url: `http://127.0.0.1:${listen}` },
    admin: { listen: `127.0.0.1:${admin}` },
    // Nothing runs by itself during a measurement.
    reconcile: { schedule: '13 3 * * *', max_change: '100%', max_zero: '100%' },
    channels,
  };
  writeFileSync(join(dir, 'config.yaml'), stringify(config));
  const log = join(dir, 'daemon.log');
  const { child, gone } = started(dir, ['serve', '--log-level', 'warn'], openSync(log, 'a'));
  const running = () => child.exitCode === null && child.signalCode === null;
  await untilReady(`http://127.0.0.1:${admin}/readyz`, running, log);
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  return {
    pid: child.pid ?? 0,
    dir,
    port: listen,
    ask: (kind, args) => asked(store, kind, args),
    stop: async () => {
      await store.close();
      child.kill('SIGTERM');
      const code = await gone;
      if (code !== 0) throw new Error(`the daemon ended with ${code}: ${readFileSync(log, 'utf8')}`);
    },
    kill: async () => {
      await store.close();
      if (running()) child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Runs a command on the folder of a daemon to its end; rejects unless it exits 0. */
export async function runCommand(dir: string, args: readonly string[]): Promise<void> {
  const code = await started(dir, args, 'inherit').gone;
  if (code !== 0) throw new Error(`invsync ${args.join(' ')} ended with ${code}`);
}

function started(dir: string, args: readonly string[], errors: number | 'inherit') {
  const child = spawn(process.execPath, [bin, ...args, '--config', join(dir, 'config.yaml')], {
    stdio: ['ignore', 'ignore', errors],
  });
  return { child, gone: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
}

async function untilReady(url: string, running: () => boolean, log: string): Promise<void> {
  for (let tries = 0; tries < 400 && running(); tries += 1) {
    const ok = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    await systemClock.sleep(50);
  }
  throw new Error(`the daemon did not become ready: ${readFileSync(log, 'utf8')}`);
}

async function asked(store: Store, kind: string, args: Json): Promise<Json> {
  const id = await store.duties.ask(kind, args, systemClock.now());
  for (;;) {
    const request = await store.duties.request(id);
    if (request?.state === 'done') return request.result;
    if (request === null || request.state === 'failed') {
      throw new Error(`${kind} failed: ${JSON.stringify(request?.result ?? null)}`);
    }
    await systemClock.sleep(20);
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map(portOf));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Why nothing can be said about another process here; null where it can. */
export function whyUnmeasurable(): string | null {
  return existsSync('/proc/self/stat') ? null : 'no /proc here';
}

/** Resident memory of a process now, in MB. */
export function residentMb(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? Number.NaN) / 1_024;
}

/** CPU seconds (user and system, all threads) that a process has used so far. Clock ticks are 1/100 s on Linux. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
