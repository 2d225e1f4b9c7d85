import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, EXIT, messageOf } from '../errors.ts';
import type { Env } from './references.ts';

/** What `secrets.env` beside the configuration holds. */
export interface Secrets {
  /** The environment with the file's variables laid under it: what is set in the shell wins. */
  env: Env;
  /** That the file was open to others and no longer is, or still is; null: neither. */
  remark: string | null;
}

/**
 * Reads `secrets.env` where it lies beside the configuration file: lines of `NAME=value`, `#` for remarks, quotes around
 * values with blanks. Throws AppError `secrets_file` (exit code 2) that names lines and never a value.
 */
export function withSecrets(configFile: string, env: Env): Secrets {
  const path = join(dirname(configFile), 'secrets.env');
  if (!existsSync(path)) return { env, remark: null };
  const remark = closed(path);
  const given: Record<string, string> = {};
  const faulty: number[] = [];
  for (const [at, line] of readSecrets(path).split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const found = /^(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(text);
    const value = found === null ? null : meantBy(found[2] ?? '');
    if (value === null) faulty.push(at + 1);
    else given[found?.[1] ?? ''] = value;
  }
  if (faulty.length > 0)
    throw new AppError('secrets_file', `${path}: line ${faulty.join(', ')} is no NAME=value`, {
      hint: 'one NAME=value on each line; a value with blanks or # in quotes',
      exitCode: EXIT.usage,
    });
  return { env: { ...given, ...env }, remark };
}

/** The value as meant: quotes removed, `\"` and `\\` understood in double ones, a remark behind it cut off. Null: none. */
function meantBy(text: string): string | null {
  const quoted = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/.exec(text.trim());
  if (quoted !== null) return quoted[1] ?? (quoted[2] ?? '').replace(/\\(.)/g, '$1');
  if (/^["']/.test(text.trim())) return null;
  return text.replace(/\s#.*$/, '').trim();
}

function readSecrets(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('secrets_file', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'it must belong to who runs invsync',
      exitCode: EXIT.usage,
    });
  }
}

/** Secrets are their owner's alone: a file that others can read is closed, with a word. */
function closed(path: string): string | null {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return null;
  try {
    chmodSync(path, 0o600);
    return `others could read ${path} (${mode.toString(8)}); now only its owner can`;
  } catch {
    return `others can read ${path} (${mode.toString(8)}): chmod 600 ${path}`;
  }
}
