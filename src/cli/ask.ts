import type { Json } from '../channels/channel.ts';
import { AppError, EXIT, type ExitCode } from '../errors.ts';
import type { EngineLock } from '../store/sqlite/lock.ts';
import type { RequestRow } from '../store/store.ts';
import type { Books } from './books.ts';
import type { Io } from './io.ts';
import { printable } from './print.ts';

const lookEveryMs = 100;
/** How often it is asked whether the daemon that took the request still lives. */
const lifeEveryMs = 2_000;

/**
 * Has something done that talks to channels: by the daemon through a request when one runs, else in this process
 * under the engine lock. Answers what the handler answers and throws what it throws; its progress goes to a terminal.
 */
export async function askEngine(io: Io, books: Books, kind: string, args: Json): Promise<Json> {
  const { tryEngineLock } = await import('../store/sqlite/lock.ts');
  const lock = tryEngineLock(books.dataDir);
  const progress = progressOn(io);
  try {
    if (lock !== null) return await actHere(io, books, lock, { kind, args, progress });
    return await askDaemon(io, books, { kind, args, progress });
  } finally {
    progress('');
  }
}

interface Wish {
  kind: string;
  args: Json;
  progress: (text: string) => void;
}

async function actHere(io: Io, books: Books, lock: EngineLock, wish: Wish): Promise<Json> {
  const interruption = io.interruption();
  try {
    const { runHandler } = await import('../compose.ts');
    const { kind, args, progress } = wish;
    return await runHandler(await books.config(), books.store, { kind, args, progress }, interruption);
  } catch (error) {
    throw interruption.aborted ? interruption.reason : error;
  } finally {
    lock.release();
  }
}

async function askDaemon(io: Io, books: Books, wish: Wish): Promise<Json> {
  const { duties } = books.store;
  const id = await duties.ask(wish.kind, wish.args, io.now());
  let sinceLifeMs = 0;
  for (;;) {
    await sleep(lookEveryMs);
    const request = await duties.request(id);
    if (request === null) throw gone('the request has disappeared');
    if (request.state === 'done') return request.result;
    if (request.state === 'failed') throw await failureOf(request);
    wish.progress(request.progress ?? (request.state === 'waiting' ? 'waiting for the daemon' : 'working'));
    sinceLifeMs += lookEveryMs;
    if (sinceLifeMs < lifeEveryMs) continue;
    sinceLifeMs = 0;
    const here = await takeOver(io, books, request, wish);
    if (here !== null) return here.result;
  }
}

/** The daemon that should have done it may be gone: what it had not begun is done here instead. */
async function takeOver(
  io: Io,
  books: Books,
  request: RequestRow,
  wish: Wish,
): Promise<{ result: Json } | null> {
  const { tryEngineLock } = await import('../store/sqlite/lock.ts');
  const lock = tryEngineLock(books.dataDir);
  if (lock === null) return null;
  const { duties } = books.store;
  const now = await duties.request(request.id);
  if (now?.state !== 'waiting' && now?.state !== 'running') {
    lock.release();
    return null;
  }
  await duties.updateRequest(request.id, 'failed', null, { error: given });
  if (now.state === 'waiting') return { result: await actHere(io, books, lock, wish) };
  lock.release();
  throw gone('the daemon ended in the middle of it');
}

const given = { code: 'given_up', message: 'the command gave up', hint: '', exit_code: EXIT.daemon };

function gone(message: string): AppError {
  return new AppError('daemon_gone', message, {
    hint: 'it is safe to repeat the command',
    exitCode: EXIT.daemon,
  });
}

async function failureOf(request: RequestRow): Promise<AppError> {
  const { failedResult } = await import('./results.ts');
  const parsed = failedResult.safeParse(request.result);
  if (!parsed.success) return new AppError('failed', `the daemon could not do it (${request.kind})`);
  const { code, message, hint, exit_code } = parsed.data.error;
  const exitCode: ExitCode = Object.values(EXIT).find((known) => known === exit_code) ?? EXIT.failed;
  return new AppError(code, message, { hint, exitCode });
}

/** One line that is written over again, on a terminal only; an empty text wipes it. Any terminal knows a carriage return. */
export function progressOn(io: Io): (text: string) => void {
  let last = '';
  return (text) => {
    if (!io.isTty || text === last) return;
    const shown = printable(text).slice(0, Math.max(0, io.columns - 1));
    io.stderr(`\r${shown.padEnd(last.length)}${text === '' ? '\r' : ''}`);
    last = shown;
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
