import type { OrderSnapshot, SnapshotLine } from './order.ts';

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

/**
 * `same`: nothing new. `stale`: an older state, or one that a later look overrode. `fetch`: only a look by id can tell.
 * `adds`: an older state, but it names lines that the stored one did not speak of.
 */
export type Verdict = 'apply' | 'same' | 'stale' | 'fetch' | 'adds';

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
    if (snapshot.obtained === 'listed' && snapshot.askedAt >= stored.answeredAt) return 'fetch';
    return linesBeside(stored.digest, snapshot).length > 0 ? 'adds' : 'stale';
  }
  return snapshot.clock === stored.clock && isPartOf(stored.digest, snapshot) ? 'same' : 'fetch';
}

/** Lines of a snapshot of which the stored one, being partial, said nothing. */
export function linesBeside(digest: string, snapshot: OrderSnapshot): SnapshotLine[] {
  if (isComplete(digest)) return [];
  const named = (key: string) => digest.includes(` ${key}=`) || digest.includes(` x${key}=`);
  return snapshot.lines.filter((line) => !named(line.lineKey));
}

/** The digest of a partial snapshot after lines of an older one were taken in beside it. */
export function digestBeside(digest: string, lines: readonly SnapshotLine[]): string {
  return [digest, ...lines.map(wordOf)].join(' ');
}

/** Every line of a partial snapshot is stored as it says. */
function isPartOf(digest: string, snapshot: OrderSnapshot): boolean {
  if (snapshot.complete || snapshot.cancelled) return false;
  return snapshot.lines.every((line) => `${digest} `.includes(` ${wordOf(line)} `));
}

/** Whether the snapshot of this digest named all lines. */
export function isComplete(digest: string): boolean {
  return digest.startsWith('all ');
}

/** The content of a snapshot that moves stock, as text: equal digests mean equal effects. */
export function digestOf(snapshot: OrderSnapshot): string {
  const lines = snapshot.lines.map(wordOf).sort().join(' ');
  return `${snapshot.complete ? 'all' : 'some'} ${snapshot.cancelled ? 'x' : ''}${lines}`;
}

function wordOf({ lineKey, taken, gone, doubted }: SnapshotLine): string {
  return `${lineKey}=${taken}/${gone}${doubted ? `?${doubted}` : ''}`;
}
