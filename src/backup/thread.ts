import { parentPort, workerData } from 'node:worker_threads';
import { AppError, messageOf } from '../errors.ts';
import type { ThreadAnswer } from './aside.ts';
import { type BackupJob, createBackup } from './create.ts';

/** Entry of the thread that makes one backup: hashing and checking are work that nobody else has to wait for. */
const port = parentPort;
if (port === null) throw new Error('thread.js is the entry of a thread, not of a process');

const answer: ThreadAnswer = await createBackup(workerData as BackupJob).then(
  (made) => ({ made }),
  (error: unknown) => {
    const { code, hint, exitCode } =
      error instanceof AppError ? error : { code: 'backup_failed', hint: '', exitCode: undefined };
    return { failed: { code, hint, exitCode, message: messageOf(error) } };
  },
);
port.postMessage(answer);
