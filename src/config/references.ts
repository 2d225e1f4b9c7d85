import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/** Environment variables as handed in by the process edge. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Where references lead: the environment, and the folder that relative `${file:…}` paths start from. */
export interface ReferenceSources {
  env: Env;
  folder: string;
}

/** What became of one scalar. Failed references are named in words. */
export type Expansion =
  | { kind: 'plain'; text: string }
  | { kind: 'expanded'; text: string; values: string[] }
  | { kind: 'failed'; failures: { message: string; hint: string }[] };

const maxSecretFileBytes = 64 * 1024;
const maskBase = 0xf700;
const reference = /\$\{[^}\r\n]*\}/g;
const masked = /\$\uf77b[^\uf77d\r\n]*\uf77d/g;

/**
 * Hides the braces of `${…}` from the YAML parser, character for character so that positions stay: inside a flow
 * mapping (`{ token: ${TOKEN} }`) YAML itself would read them as another mapping.
 */
export function maskReferences(text: string): string {
  return text.replace(reference, (found) =>
    found.replace(/[^A-Za-z0-9_$\u0080-\uffff]/g, (c) => String.fromCharCode(maskBase + c.charCodeAt(0))),
  );
}

/** Undoes `maskReferences` in one parsed scalar. */
export function unmaskReferences(text: string): string {
  return text.replace(masked, (found) =>
    found.replace(/[\uf700-\uf77f]/g, (c) => String.fromCharCode(c.charCodeAt(0) - maskBase)),
  );
}

/** Replaces `${NAME}` and `${file:/path}` in one scalar; `$${` stands for the characters `${`. Reads files at once. */
export function expand(text: string, sources: ReferenceSources): Expansion {
  if (!text.includes('${')) return { kind: 'plain', text };
  const failures: { message: string; hint: string }[] = [];
  const values: string[] = [];
  const expanded = text.replace(/\$\$\{|\$\{([^}]*)\}/g, (found, inside?: string) => {
    if (inside === undefined) return '${';
    const value = resolveReference(found, inside, sources);
    if (typeof value === 'string') {
      values.push(value);
      return value;
    }
    failures.push(value);
    return found;
  });
  if (failures.length > 0) return { kind: 'failed', failures };
  return values.length === 0
    ? { kind: 'plain', text: expanded }
    : { kind: 'expanded', text: expanded, values };
}

function resolveReference(
  found: string,
  inside: string,
  sources: ReferenceSources,
): string | { message: string; hint: string } {
  if (inside.startsWith('file:')) return fromFile(inside.slice('file:'.length).trim(), sources.folder);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(inside)) {
    return {
      message: `${found} names neither an environment variable nor a file`,
      hint: `write \${NAME} or \${file:/path/to/secret}; $\${ stands for the characters themselves`,
    };
  }
  const value = sources.env[inside];
  if (value === undefined || value === '') {
    return {
      message: `the environment variable ${inside} is ${value === undefined ? 'not set' : 'empty'}`,
      hint: `set ${inside} before starting invsync, or use \${file:/path/to/secret}`,
    };
  }
  return value;
}

function fromFile(path: string, folder: string): string | { message: string; hint: string } {
  const file = isAbsolute(path) ? path : resolve(folder, path);
  const hint = `make ${file} a file that the user who runs invsync may read`;
  try {
    const found = statSync(file);
    if (!found.isFile()) return { message: `${file} is not a file`, hint };
    if (found.size > maxSecretFileBytes) {
      return {
        message: `${file} is larger than ${maxSecretFileBytes} bytes`,
        hint: 'name a file that holds one value',
      };
    }
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return value === '' ? { message: `${file} is empty`, hint } : value;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { message: `cannot read ${file} (${code})`, hint };
  }
}
