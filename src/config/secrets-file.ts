import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Env } from './references.ts';

/** What `secrets.env` beside the configuration holds. */
export interface Secrets {
  /** The environment with the file's variables laid under it: what is set in the shell wins. */
  env: Env;
  /** What its owner should know: it was open to others, it cannot be read, a line is faulty. Names lines, never a value. */
  remarks: string[];
}

/**
 * Reads `secrets.env` where it lies beside the configuration file: lines of `NAME=value`, `#` for remarks, quotes around
 * values with blanks. What is faulty is remarked on and left out: who needs the variable is told that it is not set, and
 * commands that need none go on.
 */
export function withSecrets(configFile: string, env: Env): Secrets {
  const path = join(dirname(configFile), 'secrets.env');
  if (!existsSync(path)) return { env, remarks: [] };
  const given: Record<string, string> = {};
  const faulty: number[] = [];
  try {
    const remark = closed(path);
    for (const [at, line] of readFileSync(path, 'utf8').split(/\r?\n/).entries()) {
      // A byte order mark goes with the blanks.
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      const found = /^(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(text);
      const value = found === null ? null : meantBy(found[2] ?? '');
      if (value === null) faulty.push(at + 1);
      else given[found?.[1] ?? ''] = value;
    }
    const lines = `${path}: line ${faulty.join(', ')} is no NAME=value (a value with blanks or # stands in quotes)`;
    const remarks = [...(remark === null ? [] : [remark]), ...(faulty.length === 0 ? [] : [lines])];
    return { env: { ...given, ...env }, remarks };
  } catch (error) {
    return { env, remarks: [`${path} cannot be read, its variables are not set: ${messageOf(error)}`] };
  }
}

/** The value as meant: quotes removed, `\"` and `\\` understood in double ones, a remark behind it cut off. Null: none. */
function meantBy(text: string): string | null {
  const quoted = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/.exec(text.trim());
  if (quoted !== null) return quoted[1] ?? (quoted[2] ?? '').replace(/\\(.)/g, '$1');
  if (/^["']/.test(text.trim())) return null;
  return text.replace(/\s#.*$/, '').trim();
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
