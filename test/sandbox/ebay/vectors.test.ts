import { createPublicKey, createVerify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newSigningKey, signatureHeader } from '../../../src/sandbox/ebay/signature.ts';
import { createRandom } from '../../../src/sandbox/kit/random.ts';

const shared = [process.env['INVSYNC_SHARED'], join(import.meta.dirname, '../../../../shared')].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'contracts/ebay')),
);

interface Vector {
  signature: string;
  message: unknown;
  response: { key: string; algorithm: string; digest: string } | null;
  public_key: string;
}

interface Header {
  alg: string;
  kid: string;
  signature: string;
  digest: string;
}

function read(): Record<string, Vector> {
  const file = join(shared ?? '', 'contracts/ebay/event-notification-sdk-test-vectors.json');
  return JSON.parse(readFileSync(file, 'utf8'));
}

function vector(name: string): Vector {
  const found = read()[name];
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

function headerOf(text: string): Header {
  return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
}

/** The receiver's rule of EBAY-2.4; the vendor's vectors judge it before it judges the shop's signer. */
function verifies(signature: string, signed: string, keyText: string): boolean {
  const header = headerOf(signature);
  const der = Buffer.from(keyText.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  try {
    return createVerify(header.digest).update(signed).verify(key, header.signature, 'base64');
  } catch {
    return false;
  }
}

describe.skipIf(shared === undefined)(
  'the signer, judged by the vendor’s vectors (needs the shared material)',
  () => {
    it('is judged by a rule that takes the valid vector and refuses the others', () => {
      const valid = vector('VALID');
      const key = valid.response?.key ?? '';
      expect(verifies(valid.signature, JSON.stringify(valid.message), key)).toBe(true);
      expect(verifies(valid.signature, JSON.stringify(valid.message, null, 1), key)).toBe(false);
      for (const name of ['INVALID', 'SIGNATURE_MISMATCH']) {
        const wrong = vector(name);
        expect(
          verifies(wrong.signature, JSON.stringify(wrong.message), wrong.response?.key ?? key),
          name,
        ).toBe(false);
      }
    });

    it('signs the vendor’s message so that this rule takes it, in a header of the same form', () => {
      const { message, signature, response } = vector('VALID');
      const own = newSigningKey(createRandom(1));
      const compact = JSON.stringify(message);
      const header = signatureHeader(own, compact, 'SHA1');
      expect(verifies(header, compact, own.publicText)).toBe(true);
      expect(verifies(header, `${compact} `, own.publicText)).toBe(false);
      expect(verifies(header, compact, response?.key ?? '')).toBe(false);
      const [theirs, ours] = [headerOf(signature), headerOf(header)];
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      expect([ours.alg, ours.digest]).toEqual([theirs.alg, theirs.digest]);
      expect(ours.kid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(theirs.kid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    });

    it('hands out its key in the vendor’s form: one line, same length, same curve', () => {
      const theirs = vector('VALID').response?.key ?? '';
      const ours = newSigningKey(createRandom(1)).publicText;
      expect(ours).toHaveLength(theirs.length);
      const prefix = '-----BEGIN PUBLIC KEY-----MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE';
      expect([ours.startsWith(prefix), theirs.startsWith(prefix)]).toEqual([true, true]);
      expect(ours).not.toContain('\n');
    });

    it('writes envelopes with the vendor’s fields', () => {
      const message = vector('VALID').message as { metadata: object; notification: object };
      expect(Object.keys(message.metadata)).toEqual(['topic', 'schemaVersion', 'deprecated']);
      expect(Object.keys(message.notification)).toEqual([
        'notificationId',
        'eventDate',
        'publishDate',
        'publishAttemptCount',
        'data',
      ]);
    });
  },
);
