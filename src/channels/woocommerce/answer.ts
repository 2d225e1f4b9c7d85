import type { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { jsonOf } from '../kit/json.ts';
import { errorBody } from './schema.ts';

/**
 * JSON in an answer, and where it begins. `lenient` skips what PHP prints before it (notices), which is allowed for reads
 * only: before the answer of a write it would hide that something broke. A BOM is skipped in both.
 */
export function readJson(
  body: Uint8Array,
  manner: 'exact' | 'lenient',
): { found: true; json: unknown; at: number } | { found: false } {
  const whole = attempt(body);
  if (whole.found) return { ...whole, at: 0 };
  if (manner === 'exact') return whole;
  const text = Buffer.from(body).toString('utf8');
  // A notice may itself hold a bracket ("array[0]"), so that the first line that parses wins.
  for (const match of text.matchAll(/[[{]/g)) {
    if (match.index > 20_000) break;
    const rest = attempt(Buffer.from(text.slice(match.index), 'utf8'));
    if (rest.found) return { ...rest, at: match.index };
  }
  return { found: false };
}

/** WooCommerce's error code and message, as plain text; empty strings when the body is not its own. */
export function refusalBody(body: Uint8Array): { code: string; message: string } {
  const parsed = readJson(body, 'exact');
  const error = errorBody.safeParse(parsed.found ? parsed.json : null);
  if (!error.success) return { code: '', message: '' };
  return { code: error.data.code, message: plainText(error.data.message) };
}

/** Text of the shop for people: no tags, no entities, 200 characters at most. */
export function plainText(text: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#039': "'", amp: '&' };
  return text
    .replace(/<[^>]*>/g, '')
    .replace(/&(lt|gt|quot|#039|amp);/g, (_, name: string) => entities[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
}

/** Parses a part of a good answer; an answer of another shape is `kind` (`unknown` after a write). */
export function shaped<T>(
  schema: z.ZodType<T>,
  json: unknown,
  what: string,
  kind: 'retry' | 'unknown' = 'retry',
): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0];
  throw new ChannelError(
    kind,
    `${what}: the answer has an unknown shape at ${at?.path.join('.') || 'its root'}`,
    {
      hint: 'a plugin changes the answers of the REST API; look at the address in a browser',
      cause: parsed.error,
    },
  );
}

function attempt(body: Uint8Array): { found: true; json: unknown } | { found: false } {
  const json = jsonOf(body);
  return json === undefined ? { found: false } : { found: true, json };
}
