import { z } from 'zod';

/** Pieces of which configuration schemas of adapters are made. */
export const text = z.string().trim().min(1, 'must not be empty');

/** Marks a key whose value is never shown: `.meta(secret)`. */
export const secret = { secret: true };

/** Without a slash at the end. */
export const address = z
  .string()
  .refine((url) => /^https?:\/\/[^/]/.test(url) && URL.canParse(url), 'must be an http(s) address')
  .transform((url) => url.replace(/\/+$/, ''));

/** One value, or a list of old and new ones. */
export const oneOrMore = z.union([text, z.array(text).min(1, 'must not be empty')]);

export function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** Requests a second. */
export const perSecond = z.number().min(0.1, 'must be at least 0.1').max(1_000, 'must be at most 1000');
