import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { HttpClient } from '../kit/http.ts';

/** What is known about a certificate. `unavailable`: it could not be had just now; asking again is pointless until then. */
type Certificate =
  | { kind: 'unknown' }
  | { kind: 'good'; key: KeyObject }
  | { kind: 'bad'; why: string }
  | { kind: 'unavailable' };

/** Signing certificates by address: cached, failures too, and fetched once however many deliveries wait. */
interface Certificates {
  /** Pure: looks at the cache only. */
  look(url: string): Certificate;
  /** Fetches unless known; never rejects. The caller has checked the address against the rules. */
  load(url: string, signal: AbortSignal): Promise<void>;
}

interface Entry {
  certificate: Exclude<Certificate, { kind: 'unknown' }>;
  validFrom: number;
  validTo: number;
  forgetAt: number;
}

const maxEntries = 16;
const keepMs = 24 * 3_600_000;
const keepBadMs = 10 * 60_000;
const keepUnavailableMs = 5_000;
const maxBytes = 16 * 1_024;
const fetchTimeoutMs = 3_000;
/** A forger may name any file: no more fetches than this leave within a minute. */
const fetchesPerMinute = 10;

/**
 * `override`, for tests: fetched instead. Certificates come over TLS from the SNS host itself, which is what vouches
 * for them; the chain is not rebuilt here. Redirects are not followed.
 */
export function createCertificates(http: HttpClient, clock: Clock, override: string | null): Certificates {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<void>>();
  let fetches: number[] = [];

  const remember = (url: string, entry: Omit<Entry, 'forgetAt'>, keptMs: number): void => {
    entries.delete(url);
    entries.set(url, { ...entry, forgetAt: clock.now() + keptMs });
    while (entries.size > maxEntries) {
      // Forged addresses push out each other before they push out what serves.
      const useless = [...entries].find(([, { certificate }]) => certificate.kind !== 'good');
      entries.delete(useless?.[0] ?? [...entries.keys()][0] ?? url);
    }
  };
  const fail = (url: string, certificate: Entry['certificate'], keptMs: number): void =>
    remember(url, { certificate, validFrom: 0, validTo: Number.MAX_SAFE_INTEGER }, keptMs);

  /** A good certificate that only could not be fetched anew goes on to serve until it ends by itself. */
  const postpone = (url: string): void => {
    const known = entries.get(url);
    if (known?.certificate.kind === 'good') remember(url, known, keepUnavailableMs);
    else fail(url, { kind: 'unavailable' }, keepUnavailableMs);
  };

  const look = (url: string): Certificate => {
    const entry = entries.get(url);
    const now = clock.now();
    if (entry === undefined || now >= entry.forgetAt) return { kind: 'unknown' };
    if (now < entry.validFrom || now > entry.validTo)
      return { kind: 'bad', why: 'the certificate is not valid now' };
    return entry.certificate;
  };
  const fetchOne = async (url: string, signal: AbortSignal): Promise<void> => {
    const now = clock.now();
    fetches = fetches.filter((at) => at > now - 60_000);
    if (fetches.length >= fetchesPerMinute) return postpone(url);
    fetches.push(now);
    const target = targetOf(url, override);
    const answer = await http({ method: 'GET', url: target, timeoutMs: fetchTimeoutMs }, signal).catch(
      () => null,
    );
    if (answer === null || answer.status >= 500 || answer.status === 429) return postpone(url);
    if (answer.status !== 200 || answer.body.length > maxBytes) {
      return fail(url, { kind: 'bad', why: 'there is no certificate at its address' }, keepBadMs);
    }
    const read = readCertificate(answer.body);
    if (read === null) return fail(url, { kind: 'bad', why: 'its certificate cannot be read' }, keepBadMs);
    remember(url, read, keepMs);
  };

  return {
    look,
    async load(url, signal) {
      if (look(url).kind !== 'unknown') return;
      const running = loading.get(url);
      if (running !== undefined) return running;
      const begun = fetchOne(url, signal).finally(() => loading.delete(url));
      loading.set(url, begun);
      return begun;
    },
  };
}

function readCertificate(pem: Buffer): Omit<Entry, 'forgetAt'> | null {
  try {
    const { publicKey, validFrom, validTo } = new X509Certificate(pem);
    if (publicKey.asymmetricKeyType !== 'rsa') return null;
    return {
      certificate: { kind: 'good', key: publicKey },
      validFrom: Date.parse(validFrom),
      validTo: Date.parse(validTo),
    };
  } catch {
    return null;
  }
}

/** A bare origin takes the file name of the message's own address. */
function targetOf(url: string, override: string | null): string {
  if (override === null) return url;
  const at = new URL(override);
  return at.pathname === '/' ? `${at.origin}${new URL(url).pathname}` : override;
}
