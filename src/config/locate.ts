import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError, EXIT } from '../errors.ts';
import type { Env } from './references.ts';

/**
 * Which file configures this run: `--config`, else $INVSYNC_CONFIG, else ./config.yaml, else ./invsync.yaml.
 * Absolute; a file named by hand need not exist (reading it says so). Throws AppError `config` when there is none.
 */
export function locateConfig(wanted: string | undefined, from: { env: Env; cwd: string }): string {
  const named = wanted || from.env['INVSYNC_CONFIG'];
  if (named) return resolve(from.cwd, named);
  const usual = ['config.yaml', 'invsync.yaml'].map((name) => resolve(from.cwd, name));
  const found = usual.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new AppError('config', `there is no config.yaml or invsync.yaml in ${from.cwd}`, {
    hint: 'copy config.example.yaml to config.yaml and edit it, or name a file with --config FILE or $INVSYNC_CONFIG',
    exitCode: EXIT.usage,
  });
}
