import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, messageOf } from '../../errors.ts';
import type { WriterMessage } from './executor.ts';
import { type OpenOptions, openForWriting } from './open.ts';
import type { WriteCall } from './operations.ts';
import { transact } from './transact.ts';

/** Entry of the writer thread: owns the writing connection, one message in, one transaction, one message out. */
const port = parentPort;
if (port === null) throw new Error('writer.js is the entry of a thread, not of a process');
const say = (message: WriterMessage) => port.postMessage(message);

try {
  const options = workerData as Omit<OpenOptions, 'randomHex'>;
  const db = openForWriting({ ...options, randomHex: (bytes) => randomBytes(bytes).toString('hex') });
  port.on(
    'message',
    (message: { kind: 'calls'; calls: WriteCall[] } | { kind: 'tidy' } | { kind: 'close' }) => {
      if (message.kind === 'calls') return say({ kind: 'results', results: transact(db, message.calls) });
      if (message.kind === 'tidy') db.raw.pragma('wal_checkpoint(TRUNCATE)');
      if (message.kind === 'close') db.raw.close();
      return say({ kind: 'done' });
    },
  );
  say({ kind: 'ready' });
} catch (error) {
  say({
    kind: 'refused',
    code: error instanceof AppError ? error.code : 'database',
    message: refusal(error),
  });
}

function refusal(error: unknown): string {
  return error instanceof AppError
    ? `${error.message}\u0000${error.hint}\u0000${error.exitCode}`
    : messageOf(error);
}
