import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { jsonOf } from '../kit/json.ts';

/** eBay's own bound. */
export const revisionsPerDay = 250;
/** Kept for lowering: with fewer left nothing is raised any more. */
export const keptForLowering = 50;

const vaultKey = 'revisions';
const Counts = z.object({ day: z.string(), counts: z.record(z.string(), z.number()) });

/** eBay's day begins at midnight in California (EBAY-5.4, from memory): `2026-11-23 16:05:00`. */
const pacific = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Los_Angeles',
  dateStyle: 'short',
  timeStyle: 'medium',
});

/**
 * How often each eBay listing was revised today. 250 revisions per listing and calendar day are allowed, and all
 * variations share them (EBAY-5.4); this binds long before any call limit. Kept in the channel's vault, so that a restart
 * does not forget what was spent.
 */
export function createRevisions({ clock, vault }: ChannelDeps) {
  let known: z.infer<typeof Counts> | null = null;
  let saving: Promise<void> = Promise.resolve();

  const today = async (): Promise<z.infer<typeof Counts>> => {
    const day = pacific.format(clock.now()).slice(0, 10);
    known ??= Counts.safeParse(jsonOf(Buffer.from((await vault.get(vaultKey)) ?? ''))).data ?? null;
    if (known?.day !== day) known = { day, counts: {} };
    return known;
  };

  return {
    /** Revisions left today for the listing that has fewest. */
    async left(itemIds: readonly string[]): Promise<number> {
      const { counts } = await today();
      return Math.min(revisionsPerDay, ...itemIds.map((id) => revisionsPerDay - (counts[id] ?? 0)));
    },
    /** Books one revision for each; a repeated id counts again. Kept on disk before it resolves. */
    async spend(itemIds: readonly string[]): Promise<void> {
      const current = await today();
      for (const id of itemIds) current.counts[id] = (current.counts[id] ?? 0) + 1;
      saving = saving.catch(() => undefined).then(() => vault.set(vaultKey, JSON.stringify(current)));
      await saving;
    },
    /**
     * Milliseconds until the count starts anew. On the two days of a clock change the time of day is an hour off, which
     * only moves the end of a wait.
     */
    untilResetMs(): number {
      const timeOfDay = pacific.format(clock.now()).slice(11);
      return Math.max(1000, 86_400_000 - Date.parse(`1970-01-01T${timeOfDay}Z`));
    },
  };
}
