import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Does `signature` (base64, as in the header) equal HMAC-SHA256 of the raw body under one of the secrets? Constant
 * time; the header must be canonical base64 of exactly 32 bytes.
 */
export function verifiesHmacBase64(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  if (signature === undefined) return false;
  const given = exactBase64(signature);
  if (given?.length !== 32) return false;
  let valid = false;
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(body).digest();
    if (timingSafeEqual(expected, given)) valid = true;
  }
  return valid;
}

/** The bytes of a text that is canonical base64 and not empty, else null: Node ignores junk, so they are encoded again. */
export function exactBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : null;
}
