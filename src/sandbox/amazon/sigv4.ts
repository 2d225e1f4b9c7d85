import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ShopRequest } from '../kit/server.ts';
import type { Site } from './site.ts';

/** AWS Signature Version 4, the checking side, from the AWS text; shares nothing with any signer. */

export interface SigningRules {
  service: string;
  region: string;
  /** Null for a key that nobody has. */
  secretOf(accessKeyId: string): string | null;
  now: number;
}

export interface SigningRefusal {
  code:
    | 'MissingAuthenticationToken'
    | 'IncompleteSignature'
    | 'InvalidClientTokenId'
    | 'SignatureDoesNotMatch';
  message: string;
}

/** A request may be this much older or younger than the clock. */
const skewMs = 15 * 60_000;

/** The judgement on a request to one of the merchant's own AWS services. Null: signed well. */
export function awsRefusal(site: Site, service: string, request: ShopRequest): SigningRefusal | null {
  const { accessKeyId, secretAccessKey } = site.credentials;
  const secretOf = (id: string) => (id === accessKeyId ? secretAccessKey : null);
  return refusalOf(request, { service, region: site.region.awsRegion, secretOf, now: site.now() });
}

/** Null: signed well. */
export function refusalOf(request: ShopRequest, rules: SigningRules): SigningRefusal | null {
  const refused = (code: SigningRefusal['code'], message: string): SigningRefusal => ({ code, message });
  const mismatch = (message: string) => refused('SignatureDoesNotMatch', message);
  const header = request.headers['authorization'];
  if (header === undefined) {
    return refused('MissingAuthenticationToken', 'Request is missing Authentication Token');
  }
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  const [, credential = '', signedHeaders = '', signature = ''] = parts ?? [];
  const [accessKeyId = '', date = '', region = '', service = '', end = ''] = credential.split('/');
  const stamp = request.headers['x-amz-date'] ?? '';
  const names = signedHeaders.split(';');
  if (parts === null || end !== 'aws4_request' || !/^\d{8}T\d{6}Z$/.test(stamp)) {
    const message = "Authorization header requires 'Credential', 'SignedHeaders', 'Signature' and a date.";
    return refused('IncompleteSignature', message);
  }
  const secret = rules.secretOf(accessKeyId);
  if (secret === null) {
    return refused('InvalidClientTokenId', 'The security token included in the request is invalid.');
  }
  if (region !== rules.region) {
    return mismatch(`Credential should be scoped to a valid region, not '${region}'.`);
  }
  if (service !== rules.service) {
    return mismatch(`Credential should be scoped to correct service: '${rules.service}'.`);
  }
  if (!stamp.startsWith(date)) return mismatch('Date in Credential scope does not match x-amz-date.');
  if (Math.abs(timeOf(stamp) - rules.now) > skewMs) {
    return mismatch(`Signature expired or not yet current: ${stamp}`);
  }
  if (!names.includes('host') || !names.includes('x-amz-date')) {
    return mismatch("'Host' and 'X-Amz-Date' must be signed headers.");
  }
  const hash = sha256(request.body);
  const told = request.headers['x-amz-content-sha256'];
  if (told !== undefined && told !== hash) {
    return mismatch('The provided x-amz-content-sha256 does not match what was computed.');
  }
  const canonical = canonicalRequest(request, names, told ?? hash);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const right = hmac(signingKey(secret, date, region, service), text);
  if (timingSafeEqual(right, Buffer.from(signature, 'hex'))) return null;
  return mismatch(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
  );
}

function canonicalRequest(request: ShopRequest, names: string[], payloadHash: string): string {
  const [path = '/', query = ''] = request.rawTarget.split('?');
  const headers = names.map(
    (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`,
  );
  return [
    request.method,
    // Every service but S3 encodes the path that was sent once more.
    path.split('/').map(encode).join('/'),
    canonicalQuery(query),
    headers.join(''),
    names.join(';'),
    payloadHash,
  ].join('\n');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = [...new URLSearchParams(query)].map(([key, value]) => [encode(key), encode(value)] as const);
  pairs.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
  return pairs.map(([key, value]) => `${key}=${value}`).join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return [region, service, 'aws4_request'].reduce(
    (key, part) => hmac(key, part),
    hmac(`AWS4${secret}`, date),
  );
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function timeOf(stamp: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}
