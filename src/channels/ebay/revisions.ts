import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';

/**
 * How often each eBay listing was revised today. 250 revisions per listing and calendar day are allowed, and all
 * variations share them (EBAY-5.4); this binds long before any call limit.
 */
export interface Revisions {
  /** Revisions left today for the listing that has fewest. */
  left(itemIds: readonly string[]): Promise<number>;
  /** Books one revision for each; a repeated id counts again. Kept on disk before it resolves. */
  spend(itemIds: readonly string[]): Promise<void>;
  /** Milliseconds until the count starts anew. */
  untilResetMs(): number;
}

/** eBay's own bound. */
export const revisionsPerDay = 250;
/** Kept for lowering: with fewer left nothing is raised any more. */
export const keptForLowering = 50;

const vaultKey = 'revisions';
const Counts = z.object({ day: z.string(), counts: z.record(z.string(), z.number()) });
type Counts = z.infer<typeof Counts>;

/** eBay's day begins at midnight in California (EBAY-5.4, from memory). */
const pacific = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/Los_Angeles',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** The counter of one channel, kept in its vault so that a restart does not forget what was spent. */
export function createRevisions(deps: ChannelDeps): Revisions {
  let known: Counts | null = null;
  let saving: Promise<void> = Promise.resolve();

  const today = async (): Promise<Counts> => {
    const { day } = partsOf(deps.clock.now());
    known ??= readCounts(await deps.vault.get(vaultKey));
    if (known === null || known.day !== day) known = { day, counts: {} };
    return known;
  };

  return {
    async left(itemIds) {
      const { counts } = await today();
      return Math.min(revisionsPerDay, ...itemIds.map((id) => revisionsPerDay - (counts[id] ?? 0)));
    },
    async spend(itemIds) {
      const current = await today();
      for (const id of itemIds) current.counts[id] = (current.counts[id] ?? 0) + 1;
      saving = saving.catch(() => undefined).then(() => deps.vault.set(vaultKey, JSON.stringify(current)));
      await saving;
    },
    untilResetMs: () => Math.max(1000, 86_400_000 - partsOf(deps.clock.now()).ofDayMs),
  };
}

/** On the two days of a clock change the time of day is an hour off, which only moves the end of a wait. */
function partsOf(now: number): { day: string; ofDayMs: number } {
  const parts = Object.fromEntries(pacific.formatToParts(now).map(({ type, value }) => [type, value]));
  const at = (name: string): number => Number(parts[name] ?? 0);
  return {
    day: `${parts['year']}-${parts['month']}-${parts['day']}`,
    ofDayMs: ((at('hour') * 60 + at('minute')) * 60 + at('second')) * 1000,
  };
}

function readCounts(text: string | null): Counts | null {
  if (text === null) return null;
  try {
    return Counts.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
