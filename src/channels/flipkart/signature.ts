import { createHash, timingSafeEqual } from 'node:crypto';
import { exactBase64 } from '../kit/sign.ts';

/** How the time enters the signature. The prose says the header's text, the documented sample is made with seconds (FK-2.4). */
export type TimeForm = 'epoch seconds' | 'header text' | 'epoch milliseconds';

/** The two headers of a notification, taken apart. `at` is NaN when the date is none. */
export interface Claim {
  appId: string;
  signature: Buffer;
  dateText: string;
  at: number;
}

/** What is signed besides the time; the body is not (FK-2.4). */
export interface Signed {
  url: string;
  method: string;
}

/**
 * Reads `X_Authorization: FKLOGIN base64(appId:signature)` with one or more spaces, and `X_Date`. Null when either is
 * missing, doubled or of another form: base64 must be canonical and the signature 40 small hex digits.
 */
export function readClaim(headers: Readonly<Record<string, string>>): Claim | null {
  const dateText = headers['x_date'] ?? '';
  const found = /^FKLOGIN[ \t]+([A-Za-z0-9+/]{4,400}={0,2})$/.exec(headers['x_authorization'] ?? '');
  const decoded = exactBase64(found?.[1] ?? '')?.toString('latin1') ?? '';
  const [, appId, hex] = /^([\x21-\x7e]{1,200}):([0-9a-f]{40})$/.exec(decoded) ?? [];
  if (appId === undefined || hex === undefined) return null;
  if (dateText.length === 0 || dateText.length > 64) return null;
  return { appId, signature: Buffer.from(hex, 'hex'), dateText, at: momentOf(dateText) };
}

/** An HTTP date or any other that names its zone; bare digits are an epoch. */
function momentOf(text: string): number {
  if (/^\d{10}$/.test(text)) return Number(text) * 1_000;
  if (/^\d{13}$/.test(text)) return Number(text);
  return /GMT$|UTC$|Z$|[+-]\d{2}:?\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** The form under which one of the secrets made this signature for one of the addresses, or null. */
export function formOf(claim: Claim, signed: readonly Signed[], secrets: readonly string[]): TimeForm | null {
  const made = timesOf(claim).filter(([, time]) => {
    const digests = signed.flatMap((each) => secrets.map((secret) => digestOf(time, each, secret)));
    return digests.filter((digest) => timingSafeEqual(digest, claim.signature)).length > 0;
  });
  return made[0]?.[0] ?? null;
}

/** SHA-1 over time, address, method and secret, one after the other: no HMAC (FK-2.4). */
export function digestOf(time: string, { url, method }: Signed, secret: string): Buffer {
  return createHash('sha1').update(`${time}${url}${method}${secret}`, 'utf8').digest();
}

function timesOf({ at, dateText }: Claim): [TimeForm, string][] {
  const times: [TimeForm, string][] = [['header text', dateText]];
  if (Number.isNaN(at)) return times;
  return [['epoch seconds', String(Math.floor(at / 1_000))], ...times, ['epoch milliseconds', String(at)]];
}
