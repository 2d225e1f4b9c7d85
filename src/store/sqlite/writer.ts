import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../errors.ts';
import type { WriterMessage, WriterOrder } from './executor.ts';
import { type OpenOptions, openForWriting } from './open.ts';
import { checkpoint, failure, lockFirst, transact } from './transact.ts';

/** Entry of the writer thread: owns the writing connection, one message in, one transaction, one message out. */
const port = parentPort;
if (port === null) throw new Error('writer.js is the entry of a thread, not of a process');
const say = (message: WriterMessage) => port.postMessage(message);

try {
  const options = workerData as Omit<OpenOptions, 'randomHex'>;
  const db = openForWriting({ ...options, randomHex: (bytes) => randomBytes(bytes).toString('hex') });
  db.raw.pragma('busy_timeout = 0');
  port.on('message', (message: WriterOrder) => {
    if (message.kind === 'calls')
      return say({ kind: 'results', results: transact(db, message.calls, lockFirst) });
    if (message.kind === 'tidy') return say({ kind: 'done', result: checkpoint(db) });
    db.raw.close();
    return say({ kind: 'done', result: { ok: true, value: null } });
  });
  say({ kind: 'ready' });
} catch (error) {
  const { ok: _failed, ...thrown } = failure(error);
  say({ kind: 'refused', ...thrown, code: error instanceof AppError ? error.code : 'database' });
}
