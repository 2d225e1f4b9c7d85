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

/**
 * In a thread of its own, which owns the only writing connection of the process. At most one batch is in flight; what
 * arrives meanwhile becomes the next one: group commit without a timer.
 */
export async function threadExecutor(options: Omit<OpenOptions, 'randomHex'>): Promise<Executor> {
  const worker = new Worker(writerEntry(), { workerData: options });
  const queue: Pending[] = [];
  const controls: { resolve(): void }[] = [];
  let inFlight: Pending[] = [];
  let ended: Error | null = null;
  let closing = false;

  const send = () => {
    if (inFlight.length > 0 || queue.length === 0 || ended !== null) return;
    inFlight = queue.splice(0, maxBatch);
    worker.postMessage({ kind: 'calls', calls: inFlight.map((pending) => pending.call) });
  };
  const settle = (results: CallResult[]) => {
    const done = inFlight;
    inFlight = [];
    send();
    done.forEach((pending, index) => {
      const result = results[index];
      if (result === undefined) pending.reject(new Error('the writer lost a result'));
      else if (result.ok) pending.resolve(result.value);
      else pending.reject(errorOf(result));
    });
    drained();
  };
  let drained = () => {};
  const fail = (error: Error) => {
    ended ??= error;
    for (const pending of [...inFlight, ...queue.splice(0)]) pending.reject(ended);
    inFlight = [];
    for (const control of controls.splice(0)) control.resolve();
    drained();
  };

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: WriterMessage) => {
      if (message.kind === 'ready') resolve();
      else if (message.kind === 'refused') reject(errorOf(message));
      else if (message.kind === 'results') settle(message.results);
      else controls.shift()?.resolve();
    });
    worker.on('error', (error) => {
      const cause = error instanceof Error ? error : new Error(String(error));
      reject(cause);
      fail(cause);
    });
    worker.on('exit', () => fail(closedError()));
  });

  // The thread answers its messages in order, so the oldest control is the one that is done.
  const command = (kind: 'tidy' | 'close') =>
    new Promise<void>((resolve) => {
      if (ended !== null) return resolve();
      controls.push({ resolve });
      worker.postMessage({ kind });
    });
  const idle = () =>
    new Promise<void>((resolve) => {
      drained = () => {
        if (inFlight.length === 0 && queue.length === 0) resolve();
      };
      drained();
    });
  return {
    write: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (ended !== null || closing) return reject(ended ?? closedError());
        if (queue.length >= maxPending) {
          return reject(
            new AppError('store_busy', `more than ${maxPending} writes wait`, { exitCode: EXIT.temporary }),
          );
        }
        queue.push({ call: { name, args }, resolve: resolve as (value: unknown) => void, reject });
        send();
      }),
    tidy: () => command('tidy'),
    close: async () => {
      closing = true;
      await idle();
      await command('close');
      await worker.terminate();
    },
  };
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
