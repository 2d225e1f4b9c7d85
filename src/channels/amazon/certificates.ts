import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { HttpClient } from '../kit/http.ts';

/** What is known about a certificate. `unavailable`: it could not be had just now; asking again is pointless until then. */
type Certificate =
  | { kind: 'good'; key: KeyObject; validFrom: number; validTo: number }
  | { kind: 'bad'; why: string }
  | { kind: 'unavailable' };

const maxEntries = 16;
const keepMs = 24 * 3_600_000;
const keepBadMs = 10 * 60_000;
const keepUnavailableMs = 5_000;
const maxBytes = 16 * 1_024;
const timeoutMs = 3_000;
/** A forger may name any file: no more fetches than this leave within a minute. */
const fetchesPerMinute = 10;

/**
 * Signing certificates by address: cached, failures too, and fetched once however many deliveries wait. `override`, for
 * tests: fetched instead. Certificates come over TLS from the SNS host itself, which is what vouches for them; the chain is
 * not rebuilt here. Redirects are not followed.
 */
export function createCertificates(http: HttpClient, clock: Clock, override: string | null) {
  const entries = new Map<string, { certificate: Certificate; forgetAt: number }>();
  const loading = new Map<string, Promise<void>>();
  let fetches: number[] = [];

  const remember = (url: string, certificate: Certificate, keptMs: number): void => {
    entries.delete(url);
    entries.set(url, { certificate, forgetAt: clock.now() + keptMs });
    while (entries.size > maxEntries) {
      // Forged addresses push out each other before they push out what serves.
      const useless = [...entries].find(([, entry]) => entry.certificate.kind !== 'good');
      entries.delete(useless?.[0] ?? [...entries.keys()][0] ?? url);
    }
  };
  /** A good certificate that only could not be fetched anew goes on to serve until it ends by itself. */
  const postpone = (url: string): void => {
    const known = entries.get(url)?.certificate;
    remember(url, known?.kind === 'good' ? known : { kind: 'unavailable' }, keepUnavailableMs);
  };
  const look = (url: string): Certificate | null => {
    const entry = entries.get(url);
    const now = clock.now();
    if (entry === undefined || now >= entry.forgetAt) return null;
    const { certificate } = entry;
    if (certificate.kind !== 'good' || (now >= certificate.validFrom && now <= certificate.validTo))
      return certificate;
    return { kind: 'bad', why: 'the certificate is not valid now' };
  };
  const fetchOne = async (url: string, signal: AbortSignal): Promise<void> => {
    const now = clock.now();
    fetches = fetches.filter((at) => at > now - 60_000);
    if (fetches.length >= fetchesPerMinute) return postpone(url);
    fetches.push(now);
    const request = { method: 'GET' as const, url: targetOf(url, override), timeoutMs };
    const answer = await http(request, signal).catch(() => null);
    if (answer === null || answer.status >= 500 || answer.status === 429) return postpone(url);
    const isThere = answer.status === 200 && answer.body.length <= maxBytes;
    const read = isThere ? readCertificate(answer.body) : missing;
    remember(url, read, read.kind === 'good' ? keepMs : keepBadMs);
  };

  return {
    /** Looks at the cache only; null: it is not known. */
    look,
    /** Fetches unless known; never rejects. The caller has checked the address against the rules. */
    async load(url: string, signal: AbortSignal): Promise<void> {
      if (look(url) !== null) return;
      const begun = loading.get(url) ?? fetchOne(url, signal).finally(() => loading.delete(url));
      loading.set(url, begun);
      return begun;
    },
  };
}

const missing: Certificate = { kind: 'bad', why: 'there is no certificate at its address' };
const unreadable: Certificate = { kind: 'bad', why: 'its certificate cannot be read' };

function readCertificate(pem: Buffer): Certificate {
  try {
    const { publicKey: key, validFrom, validTo } = new X509Certificate(pem);
    if (key.asymmetricKeyType !== 'rsa') return unreadable;
    return { kind: 'good', key, validFrom: Date.parse(validFrom), validTo: Date.parse(validTo) };
  } catch {
    return unreadable;
  }
}

/** A bare origin takes the file name of the message's own address. */
function targetOf(url: string, override: string | null): string {
  if (override === null) return url;
  const at = new URL(override);
  return at.pathname === '/' ? `${at.origin}${new URL(url).pathname}` : override;
}
