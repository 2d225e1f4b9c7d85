import type { ChannelRow } from '../store/store.ts';

/** Has a whole reconcile run planned the channel since it became live? Before that nothing is pushed to it. */
export function isPlanned({ plannedAt, liveSince }: ChannelRow): boolean {
  return plannedAt !== null && plannedAt >= (liveSince ?? 0);
}
