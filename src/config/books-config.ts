import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError, EXIT } from '../errors.ts';
import { isTable } from './lenient.ts';
import type { Env } from './references.ts';
import type { Source } from './source.ts';

const maxFileBytes = 1024 * 1024;

/** What a command that works on the books alone needs of the file, although other lines of it are broken. */
export interface BooksConfig {
  file: string;
  /** Absolute. */
  dataDir: string;
  /** Changes with the file's text; says whether the store has seen this file. */
  textHash: string;
  /** Is the file no sound YAML? Then `dataDir` was found in its text, or is the default. */
  isBroken(): Promise<boolean>;
}

/** Reads a file's text for `dataDir` alone; no secret is needed and no other key is judged. */
export async function booksConfig(text: string, from: { file: string; env: Env }): Promise<BooksConfig> {
  const folder = dirname(from.file);
  const parsed = async () => (await import('./source.ts')).readSource(text, { env: from.env, folder });
  const plain = plainDataDir(text);
  const named = plain === undefined ? dataDirIn(await parsed(), text) : plain;
  return {
    file: from.file,
    dataDir: resolve(folder, named || './data'),
    textHash: hashOfText(text),
    isBroken: async () => !(await parsed()).readable,
  };
}

function dataDirIn({ readable, data }: Source, text: string): string | null {
  const found = isTable(data) ? data['data_dir'] : undefined;
  if (readable) return typeof found === 'string' ? found : null;
  // A line that stands by itself is still right in a file whose other lines are not.
  return /^data_dir:[ \t]*["']?([^"'#\r\n]+?)["']?[ \t]*(?:#.*)?$/m.exec(text)?.[1] ?? null;
}

/**
 * What `data_dir` says, where that is plain without YAML's rules: a path on one line that stands alone (null: it is not
 * named). Undefined: only a parser can tell. Loading one takes a quarter of the time of a short command.
 */
function plainDataDir(text: string): string | null | undefined {
  const names = text.match(/data_dir/g)?.length ?? 0;
  if (names === 0) return /^(?:<<|%|---|\.\.\.)|\\/m.test(text) ? undefined : null;
  if (names > 1) return undefined;
  return /^data_dir:[ \t]+(\.{0,2}\/[\w./-]*|\.)[ \t]*(?:\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?:[^\s#]|(?![\s\S]))|(?![\s\S]))/m.exec(
    text,
  )?.[1];
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
