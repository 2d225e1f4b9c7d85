import type { ChannelRow } from '../store/store.ts';

/** The credentials were seen to lead elsewhere than to the account that this channel is bound to. */
export function isRefused(row: ChannelRow): boolean {
  return row.accountSeen !== null && row.accountSeen !== row.accountId;
}

/** Why a channel is refused, in words that end with what mends it; null when it is not. */
export function accountFault(row: ChannelRow, rows: readonly ChannelRow[]): string | null {
  const seen = row.accountSeen;
  if (seen === null || seen === row.accountId) return null;
  if (row.accountId !== null) {
    const old = `take ${row.name} out of the file and run: invsync channels remove ${row.name}`;
    return `its credentials lead to account ${seen}, before it was ${row.accountId}; mend its credentials in the configuration file and give the other account a channel of its own, or, if the old account is no more, ${old}`;
  }
  const owner = ownerOf(row, rows);
  if (owner === null) return null;
  if (owner.orphaned) {
    return `its account ${seen} is the channel "${owner.name}", which the configuration file no longer names; run: invsync channels rename ${owner.name} ${row.name}`;
  }
  return `its account ${seen} is the channel "${owner.name}" already and is counted there; take ${row.name} out of the configuration file and run: invsync channels remove ${row.name}`;
}

/** The other channel that has the account to which this one's credentials lead. */
export function ownerOf(row: ChannelRow, rows: readonly ChannelRow[]): ChannelRow | null {
  if (row.accountSeen === null) return null;
  const owner = rows.find(
    (other) => other.id !== row.id && other.type === row.type && other.accountId === row.accountSeen,
  );
  return owner ?? null;
}
