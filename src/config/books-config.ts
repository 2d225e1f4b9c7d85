import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError, EXIT } from '../errors.ts';
import { isTable } from './lenient.ts';
import type { Env } from './references.ts';
import { readSource } from './source.ts';

const maxFileBytes = 1024 * 1024;

/** What a command that works on the books alone needs of the file, although other lines of it are broken. */
export interface BooksConfig {
  file: string;
  /** Absolute. */
  dataDir: string;
  /** Changes with the file's text; says whether the store has seen this file. */
  textHash: string;
  /** The file is no sound YAML: `dataDir` was found in its text, or is the default. */
  broken: boolean;
}

/** Reads a file's text for `dataDir` alone; no secret is needed and no other key is judged. */
export function booksConfig(text: string, from: { file: string; env: Env }): BooksConfig {
  const folder = dirname(from.file);
  const source = readSource(text, { env: from.env, folder });
  const named = isTable(source.data) ? source.data['data_dir'] : undefined;
  // A line that stands by itself is still right in a file whose other lines are not.
  const found = source.readable
    ? named
    : /^data_dir:[ \t]*["']?([^"'#\r\n]+?)["']?[ \t]*(?:#.*)?$/m.exec(text)?.[1];
  return {
    file: from.file,
    dataDir: resolve(folder, typeof found === 'string' && found !== '' ? found : './data'),
    textHash: hashOfText(text),
    broken: !source.readable,
  };
}

/** The same for `Config.textHash` and `BooksConfig.textHash`. */
export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The file's text. Throws AppError `config` (exit code 2). */
export function readText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length <= maxFileBytes) return text;
    throw new AppError('config', `${file} is larger than ${maxFileBytes} bytes`, { exitCode: EXIT.usage });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const hint =
      'name another file with --config FILE, or copy config.example.yaml to config.yaml and edit it';
    throw new AppError('config', `cannot read ${file} (${code})`, { hint, exitCode: EXIT.usage });
  }
}
