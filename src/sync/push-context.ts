import type { PushContext } from '../stock/push.ts';
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
  if (row.plannedAt === null || row.plannedAt < row.liveSince)
    return 'no reconcile plan since it became live';
  return null;
}

/** The channel's facts on which a sight is judged. */
export function driftContext(
  row: ChannelRow,
  live: LiveChannel,
): Pick<PushContext, 'range' | 'settleMs' | 'liveSince'> {
  const { capabilities } = live;
  return {
    range: {
      clockMarginMs: capabilities.clockMarginMs,
      restoresOnCancel: capabilities.restoresOnCancel,
      basis: capabilities.basis,
    },
    settleMs: capabilities.settleMs,
    liveSince: row.liveSince ?? 0,
  };
}
