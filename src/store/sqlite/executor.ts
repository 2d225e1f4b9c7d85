import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError, EXIT } from '../../errors.ts';
import type { Db, OpenOptions } from './open.ts';
import type { ArgsOf, ResultOf, WriteCall, WriteName, Writes } from './operations.ts';
import { type CallResult, errorOf, transact } from './transact.ts';

/** Runs writing operations, each atomic; how many share a commit is its business. */
export interface Executor {
  write<N extends WriteName>(name: N, ...args: ArgsOf<Writes[N]>): Promise<ResultOf<Writes[N]>>;
  /** Truncates the log. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

interface Pending {
  call: WriteCall;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Most calls that wait for the writer; beyond it a write is refused as busy, so that memory has a bound. */
const maxPending = 20_000;
const maxBatch = 1_000;

/** On the caller's thread: for commands, tests and the simulation. Every write is its own commit. */
export function callerExecutor(db: Db): Executor {
  return {
    write: (name, ...args) => {
      if (!db.raw.open) return Promise.reject(closedError());
      const [result] = transact(db, [{ name, args }]);
      if (result === undefined) return Promise.reject(new Error('no result'));
      if (!result.ok) return Promise.reject(errorOf(result));
      return Promise.resolve(result.value as ResultOf<Writes[typeof name]>);
    },
    tidy: () => {
      db.raw.pragma('wal_checkpoint(TRUNCATE)');
      return Promise.resolve();
    },
    close: () => {
      db.raw.close();
      return Promise.resolve();
    },
  };
}

/** The writer thread and what is on its way to it. */
interface Line {
  worker: Worker;
  queue: Pending[];
  inFlight: Pending[];
  /** Answered in order: the oldest is the one that is done. */
  controls: { resolve(): void }[];
  ended: Error | null;
  closing: boolean;
  onIdle: () => void;
}

/**
 * In a thread of its own, which owns the only writing connection of the process. At most one batch is in flight; what
 * arrives meanwhile becomes the next one: group commit without a timer.
 */
export async function threadExecutor(options: Omit<OpenOptions, 'randomHex'>): Promise<Executor> {
  const line: Line = {
    worker: new Worker(writerEntry(), { workerData: options }),
    queue: [],
    inFlight: [],
    controls: [],
    ended: null,
    closing: false,
    onIdle: () => undefined,
  };
  await ready(line);
  return {
    write: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (line.ended !== null || line.closing) return reject(line.ended ?? closedError());
        if (line.queue.length >= maxPending) {
          return reject(
            new AppError('store_busy', `more than ${maxPending} writes wait`, { exitCode: EXIT.temporary }),
          );
        }
        line.queue.push({ call: { name, args }, resolve: resolve as (value: unknown) => void, reject });
        send(line);
      }),
    tidy: () => command(line, 'tidy'),
    close: async () => {
      line.closing = true;
      await idle(line);
      await command(line, 'close');
      await line.worker.terminate();
    },
  };
}

/** Resolves when the thread has opened the database; rejects with what it refused. */
function ready(line: Line): Promise<void> {
  return new Promise((resolve, reject) => {
    line.worker.on('message', (message: WriterMessage) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'refused') reject(errorOf(message));
      else if (message.kind === 'results') settle(line, message.results);
      else line.controls.shift()?.resolve();
    });
    line.worker.on('error', (error) => {
      const cause = error instanceof Error ? error : new Error(String(error));
      reject(cause);
      fail(line, cause);
    });
    line.worker.on('exit', () => fail(line, closedError()));
  });
}

function send(line: Line): void {
  if (line.inFlight.length > 0 || line.queue.length === 0 || line.ended !== null) return;
  line.inFlight = line.queue.splice(0, maxBatch);
  line.worker.postMessage({ kind: 'calls', calls: line.inFlight.map((pending) => pending.call) });
}

function settle(line: Line, results: CallResult[]): void {
  const done = line.inFlight;
  line.inFlight = [];
  send(line);
  done.forEach((pending, index) => {
    const result = results[index];
    if (result === undefined) pending.reject(new Error('the writer lost a result'));
    else if (result.ok) pending.resolve(result.value);
    else pending.reject(errorOf(result));
  });
  if (line.inFlight.length === 0) line.onIdle();
}

function fail(line: Line, error: Error): void {
  line.ended ??= error;
  for (const pending of [...line.inFlight, ...line.queue.splice(0)]) pending.reject(line.ended);
  line.inFlight = [];
  for (const control of line.controls.splice(0)) control.resolve();
  line.onIdle();
}

function command(line: Line, kind: 'tidy' | 'close'): Promise<void> {
  return new Promise((resolve) => {
    if (line.ended !== null) return resolve();
    line.controls.push({ resolve });
    line.worker.postMessage({ kind });
  });
}

function idle(line: Line): Promise<void> {
  return new Promise((resolve) => {
    line.onIdle = resolve;
    if (line.inFlight.length === 0) resolve();
  });
}

function closedError(): AppError {
  return new AppError('store_closed', 'the store was closed', { exitCode: EXIT.temporary });
}

/** What the writer thread says. */
export type WriterMessage =
  | { kind: 'ready' }
  | { kind: 'refused'; code: string; message: string }
  | { kind: 'results'; results: CallResult[] }
  | { kind: 'done' };

/** A thread cannot be loaded from TypeScript on Node 20: from `src` (tests) the built entry is used. */
function writerEntry(): URL {
  const beside = new URL('./writer.js', import.meta.url);
  if (!import.meta.url.endsWith('.ts')) return beside;
  const built = new URL('../../../dist/store/sqlite/writer.js', import.meta.url);
  if (!existsSync(fileURLToPath(built))) throw new Error('build first: npm run build');
  return built;
}
