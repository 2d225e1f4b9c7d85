import { z } from 'zod';

const digits = /^\d{1,30}$/;

/**
 * An id of TikTok Shop, as text: 17 to 21 digits, more than a number holds. Some samples show ids as JSON numbers; the
 * JSON reader hands over those beyond 2^53 as text already.
 */
export const Id = z.union([z.string().regex(digits), z.int().nonnegative().transform(String)]);

/** Text of the right form to be sent as an id. */
export function isId(text: string): boolean {
  return digits.test(text);
}

/** A whole number (a code, a time in seconds), also where it is written as text. */
export function wholeOf(mostDigits: number) {
  return z.union([
    z.int(),
    z
      .string()
      .regex(new RegExp(`^\\d{1,${mostDigits}}$`))
      .transform(Number),
  ]);
}
