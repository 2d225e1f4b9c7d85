import { createHash, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import { uuid } from './auth.ts';

/** A signing key of the platform, found by its id. */
export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  /** As the platform hands it out: PEM armour without line breaks (EBAY-2.4). */
  publicText: string;
}

/** Digests that the platform names in the header; SHA1 today. */
export type Digest = 'SHA1' | 'SHA256';

/** A fresh P-256 key. The seed chooses its id only: key material is never drawn from it. */
export function newSigningKey(random: Random): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  return {
    kid: uuid(random),
    privateKey,
    publicText: `-----BEGIN PUBLIC KEY-----${spki}-----END PUBLIC KEY-----`,
  };
}

/** Value of `X-EBAY-SIGNATURE` for these bytes: base64 of JSON with a DER signature in base64 (EBAY-2.4). */
export function signatureHeader(key: SigningKey, signed: string | Buffer, digest: Digest): string {
  const signature = createSign(digest).update(signed).sign(key.privateKey).toString('base64');
  const header = { alg: 'ecdsa', kid: key.kid, signature, digest };
  return Buffer.from(JSON.stringify(header)).toString('base64');
}

/** What an endpoint must answer to a challenge: lower-case hex over code, token and endpoint (EBAY-2.3). */
export function challengeAnswer(code: string, verificationToken: string, endpoint: string): string {
  return createHash('sha256').update(code).update(verificationToken).update(endpoint).digest('hex');
}

/** Signature of a Platform Notification; it does not cover the body (EBAY-2.6). */
export function soapSignature(
  timestamp: string,
  keyset: { devId: string; clientId: string; clientSecret: string },
): string {
  const text = `${timestamp}${keyset.devId}${keyset.clientId}${keyset.clientSecret}`;
  return createHash('md5').update(text).digest('base64');
}
