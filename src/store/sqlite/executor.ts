import { Worker } from 'node:worker_threads';
import { AppError, EXIT, messageOf } from '../../errors.ts';
import type { Db, OpenOptions } from './open.ts';
import type { ArgsOf, ResultOf, WriteCall, WriteName, Writes } from './operations.ts';
import { threadEntry } from './thread-entry.ts';
import { type CallResult, checkpoint, errorOf, type Thrown, transact } from './transact.ts';

/** Runs writing operations, each atomic; how many share a commit is its business. */
export interface Executor {
  write<N extends WriteName>(name: N, ...args: ArgsOf<Writes[N]>): Promise<ResultOf<Writes[N]>>;
  /** Truncates the log. Rejects with `store_full` when the disk has no room for what is in it. */
  tidy(): Promise<void>;
  /** Resolves when the writer has ended although nobody closed it; never otherwise. */
  lost: Promise<AppError>;
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
      return answerOf(result) as Promise<ResultOf<Writes[typeof name]>>;
    },
    tidy: async () => {
      await answerOf(checkpoint(db));
    },
    // There is no thread that could end by itself.
    lost: new Promise(() => undefined),
    close: () => {
      db.raw.close();
      return Promise.resolve();
    },
  };
}

/** For readers: there is nobody who writes. */
export function noExecutor(): Executor {
  const refuse = () => Promise.reject(new Error('this store was opened for reading'));
  return { write: refuse, tidy: refuse, lost: new Promise(() => undefined), close: () => Promise.resolve() };
}

function answerOf(result: CallResult | undefined): Promise<unknown> {
  if (result === undefined) return Promise.reject(new Error('the writer lost a result'));
  return result.ok ? Promise.resolve(result.value) : Promise.reject(errorOf(result));
}

/** The writer thread and what is on its way to it. */
interface Line {
  worker: Worker;
  queue: Pending[];
  inFlight: Pending[];
  /** Answered in order: the oldest is the one that is done. */
  controls: { resolve(value: unknown): void; reject(error: Error): void }[];
  ended: AppError | null;
  onLost: (error: AppError) => void;
  closing: boolean;
  onIdle: () => void;
}

/**
 * In a thread of its own, which owns the only writing connection of the process. At most one batch is in flight; what
 * arrives meanwhile becomes the next one: group commit without a timer.
 */
export async function threadExecutor(options: Omit<OpenOptions, 'randomHex'>): Promise<Executor> {
  const line: Line = {
    worker: new Worker(threadEntry(import.meta.url, 'writer'), { workerData: options }),
    queue: [],
    inFlight: [],
    controls: [],
    ended: null,
    onLost: () => undefined,
    closing: false,
    onIdle: () => undefined,
  };
  const lost = new Promise<AppError>((resolve) => {
    line.onLost = resolve;
  });
  await ready(line);
  return {
    lost,
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
    tidy: async () => {
      await command(line, 'tidy');
    },
    close: async () => {
      line.closing = true;
      await idle(line);
      // A writer that has ended has nothing left to close.
      if (line.ended === null) await command(line, 'close');
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
      else if (message.kind === 'results') passOn(line, message.results);
      else told(line, message.result);
    });
    line.worker.on('error', (error) => {
      const ended = lostError(error);
      reject(ended);
      fail(line, ended);
    });
    line.worker.on('exit', () => fail(line, line.closing ? closedError() : lostError('it ended')));
  });
}

function send(line: Line): void {
  if (line.inFlight.length > 0 || line.queue.length === 0 || line.ended !== null) return;
  line.inFlight = line.queue.splice(0, maxBatch);
  line.worker.postMessage({
    kind: 'calls',
    calls: line.inFlight.map((pending) => pending.call),
  } satisfies WriterOrder);
}

function passOn(line: Line, results: CallResult[]): void {
  const done = line.inFlight;
  line.inFlight = [];
  send(line);
  done.forEach((pending, index) => {
    answerOf(results[index]).then(pending.resolve, pending.reject);
  });
  if (line.inFlight.length === 0) line.onIdle();
}

function told(line: Line, result: CallResult): void {
  const control = line.controls.shift();
  if (control !== undefined) answerOf(result).then(control.resolve, control.reject);
}

/** The thread is gone: everything on its way is refused, and whoever keeps the process alive is told. */
function fail(line: Line, error: AppError): void {
  if (line.ended !== null) return;
  line.ended = error;
  for (const waiting of [...line.inFlight, ...line.queue.splice(0), ...line.controls.splice(0)])
    waiting.reject(error);
  line.inFlight = [];
  line.onIdle();
  if (!line.closing) line.onLost(error);
}

function command(line: Line, kind: 'tidy' | 'close'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (line.ended !== null) return reject(line.ended);
    line.controls.push({ resolve, reject });
    line.worker.postMessage({ kind } satisfies WriterOrder);
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

function lostError(cause: unknown): AppError {
  return new AppError('store_lost', `the thread that writes the database has ended: ${messageOf(cause)}`, {
    hint: 'start invsync again; nothing acknowledged was lost',
    cause,
  });
}

/** What the writer thread is asked to do: one order, one answer. */
export type WriterOrder = { kind: 'calls'; calls: WriteCall[] } | { kind: 'tidy' } | { kind: 'close' };

/** What the writer thread says. */
export type WriterMessage =
  | { kind: 'ready' }
  | ({ kind: 'refused' } & Thrown)
  | { kind: 'results'; results: CallResult[] }
  | { kind: 'done'; result: CallResult };
