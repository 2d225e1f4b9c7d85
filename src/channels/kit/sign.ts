import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Does `signature` (base64, as in the header) equal HMAC-SHA256 of the raw body under one of the secrets? Constant
 * time; the header must be canonical base64 of exactly 32 bytes (Buffer.from ignores junk, so it is re-encoded).
 */
export function verifiesHmacBase64(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean {
  if (signature === undefined) return false;
  const given = Buffer.from(signature, 'base64');
  if (given.length !== 32 || given.toString('base64') !== signature) return false;
  let valid = false;
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(body).digest();
    if (timingSafeEqual(expected, given)) valid = true;
  }
  return valid;
}
