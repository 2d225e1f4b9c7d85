import type { OrderSnapshot } from './order.ts';

/** The stored head of an order: enough to tell which of two snapshots counts. */
export interface OrderHead {
  version: number;
  clock: string;
  /** Span of the request that brought the stored snapshot. */
  askedAt: number;
  answeredAt: number;
  /** `digestOf` the stored snapshot. */
  digest: string;
}

/** `same`: nothing new. `stale`: an older state, or one that a later look overrode. `fetch`: only a look by id can tell. */
export type Verdict = 'apply' | 'same' | 'stale' | 'fetch';

/**
 * Which of two snapshots of one order counts. Same clock, different versions: the higher. Otherwise, if the contents
 * differ, versions decide nothing: a snapshot that was fetched by a request begun after the stored one was obtained
 * wins whatever its version says. A list page asked for after that with a lower version may be a lagging index or a
 * shop whose clock was set back: only a look by id can tell.
 */
export function verdictOn(stored: OrderHead | null, snapshot: OrderSnapshot, digest: string): Verdict {
  if (stored === null) return 'apply';
  if (stored.digest === digest)
    return snapshot.version > stored.version && snapshot.clock === stored.clock ? 'apply' : 'same';
  const fresh = snapshot.obtained === 'fetched' && snapshot.askedAt >= stored.answeredAt;
  if (fresh) return 'apply';
  if (snapshot.clock === stored.clock && snapshot.version !== stored.version) {
    if (snapshot.version > stored.version) return 'apply';
    return snapshot.obtained === 'listed' && snapshot.askedAt >= stored.answeredAt ? 'fetch' : 'stale';
  }
  return 'fetch';
}

/** Whether the snapshot of this digest named all lines. */
export function isComplete(digest: string): boolean {
  return digest.startsWith('all ');
}

/** The content of a snapshot that moves stock, as text: equal digests mean equal effects. */
export function digestOf(snapshot: OrderSnapshot): string {
  const lines = snapshot.lines
    .map((line) => `${line.lineKey}=${line.taken}/${line.gone}`)
    .sort()
    .join(' ');
  return `${snapshot.complete ? 'all' : 'some'} ${snapshot.cancelled ? 'x' : ''}${lines}`;
}
