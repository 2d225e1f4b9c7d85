import type { DriftContext } from '../stock/drift.ts';
import type { ChannelRow } from '../store/store.ts';
import type { LiveChannel } from './engine.ts';
import { isRefused } from './refusal.ts';

/** Why nothing is pushed to a channel at all, or null. Deliveries are taken in whatever this says. */
export function writeGate(row: ChannelRow): string | null {
  if (row.orphaned) return 'not in the configuration';
  if (row.mode === 'observe') return 'mode observe';
  if (row.paused) return 'paused';
  if (isRefused(row)) return 'its account is not the one it is bound to';
  if (row.heldReason !== null) return row.heldReason;
  if (row.parkedSince !== null) return row.parkedReason ?? 'credentials refused';
  if (row.mode === 'shadow') return null;
  if (row.liveSince === null) return 'not live yet';
  return isPlanned(row) ? null : 'no reconcile plan since it became live';
}

/** Has a whole reconcile run planned the channel since it became live? Before that nothing is pushed to it. */
export function isPlanned({ plannedAt, liveSince }: ChannelRow): boolean {
  return plannedAt !== null && plannedAt >= (liveSince ?? 0);
}

/** The channel's facts on which a sight is judged. */
export function driftContext(row: ChannelRow, live: LiveChannel): DriftContext {
  const { clockMarginMs, restoresOnCancel, basis, settleMs } = live.capabilities;
  return { range: { clockMarginMs, restoresOnCancel, basis }, settleMs, liveSince: row.liveSince ?? 0 };
}
