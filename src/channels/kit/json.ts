import { parse as parseLossless } from 'lossless-json';

/** Deepest nesting and largest number of characters that are parsed; beyond them the text is unreadable. */
export const jsonLimits = { depth: 64, bytes: 32 * 1024 * 1024 } as const;

/**
 * Parses JSON without losing ids: integers beyond 2^53 become strings of their digits, all other numbers stay
 * numbers. Duplicate keys: like JSON.parse the last one wins when no long number is present, else an error is
 * thrown. `__proto__` keys are dropped. Throws SyntaxError on anything that is not JSON within the limits.
 */
export function parseJson(text: string): unknown {
  if (text.length > jsonLimits.bytes)
    throw new SyntaxError(`JSON text longer than ${jsonLimits.bytes} characters`);
  const clean = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  assertDepth(clean);
  if (!/\d{16}/.test(clean)) return JSON.parse(clean, clean.includes('__proto__') ? dropProto : undefined);
  return parseLossless(clean, dropProto, keepDigits);
}

/** Decodes UTF-8 strictly, then parses as `parseJson` does. */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  return parseJson(utf8(bytes));
}

/** Throws SyntaxError on anything else. */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SyntaxError('the body is not valid UTF-8');
  }
}

function keepDigits(digits: string): number | string {
  const value = Number(digits);
  if (/^-?\d+$/.test(digits) && !Number.isSafeInteger(value)) return digits;
  return value;
}

function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function assertDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === 0x5c) i += 1;
      else if (c === 0x22) inString = false;
    } else if (c === 0x22) inString = true;
    else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      if (depth > jsonLimits.depth) throw new SyntaxError(`JSON nested deeper than ${jsonLimits.depth}`);
    } else if (c === 0x7d || c === 0x5d) depth -= 1;
  }
}

/** JSON of an answer; undefined when it is none. */
export const jsonOf = readOnce(parseJsonBytes);

/** Asked twice about the same bytes it parses once, because answers may be large; undefined when `parse` throws. */
export function readOnce(parse: (bytes: Uint8Array) => unknown): (bytes: Uint8Array) => unknown {
  const known = new WeakMap<Uint8Array, unknown>();
  return (bytes) => {
    if (known.has(bytes)) return known.get(bytes);
    let read: unknown;
    try {
      read = parse(bytes);
    } catch {
      read = undefined;
    }
    known.set(bytes, read);
    return read;
  };
}
