import { Worker } from 'node:worker_threads';
import { AppError, type ExitCode } from '../errors.ts';
import { threadEntry } from '../store/sqlite/thread-entry.ts';
import type { BackupJob, BackupMade } from './create.ts';

/** What the thread says before it ends. */
export type ThreadAnswer =
  | { made: BackupMade }
  | { failed: { code: string; message: string; hint: string; exitCode: ExitCode | undefined } };

/**
 * `createBackup` in a thread of its own, so that webhooks are answered meanwhile. Aborting ends the thread; what it left
 * behind has no backup's name, and the next one removes it.
 */
export function createBackupAside(job: BackupJob, signal: AbortSignal): Promise<BackupMade> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(threadEntry(import.meta.url, 'thread'), { workerData: job });
    const stop = () => void worker.terminate();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    worker.on('message', (answer: ThreadAnswer) => {
      if ('made' in answer) return resolve(answer.made);
      const { code, message, hint, exitCode } = answer.failed;
      reject(new AppError(code, message, { hint, ...(exitCode === undefined ? {} : { exitCode }) }));
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      signal.removeEventListener('abort', stop);
      reject(new AppError('backup_failed', 'the backup was interrupted'));
    });
  });
}
