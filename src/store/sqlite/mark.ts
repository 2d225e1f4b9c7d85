import type { OwnChange } from '../../stock/anchor.ts';
import type { Tx } from './ledger.ts';
import type { Db } from './open.ts';

/** More own changes than these are merged: the older half becomes one fall and one rise of a wide span. */
const maxOwnChanges = 16;
/** Up to this length of text (about twenty changes) new ones are appended without reading the old. */
const mostOwnText = 700;

/** Nothing is known of a counter's number any more; for the set clause of an update. */
export const noAnchor =
  "anchor_number = null, anchor_from = null, anchor_until = null, previous_number = null, own = '[]'";

/** Counters that became due, all of them and by the SKU whose available moved. */
export interface Due {
  counterIds: number[];
  bySku: Map<number, number[]>;
}

/**
 * At the end of a transaction: every counter that draws on a moved SKU, and every counter that was sold on, is due
 * once more, its version one higher.
 */
export function markDue(tx: Tx): Due {
  for (const [listingRef, units] of tx.opened) {
    if (units === 0) continue;
    tx.db.sql('update listing set open_units = open_units + ? where id = ?').run(units, listingRef);
  }
  const bySku = countersOn(tx, [...tx.moved]);
  const due = new Set<number>(tx.counters.keys());
  for (const ids of bySku.values()) for (const id of ids) due.add(id);
  const plain: number[] = [];
  for (const id of due) {
    const added = tx.counters.get(id) ?? [];
    if (added.length === 0) plain.push(id);
    else markSoldOn(tx, id, added);
  }
  markPlain(tx, plain);
  tx.moved.clear();
  tx.counters.clear();
  tx.opened.clear();
  return { counterIds: [...due], bySku };
}

/** Every counter that draws on one of the SKUs, by SKU: one statement for all of them. What is gone draws on nothing. */
function countersOn(tx: Tx, skuIds: number[]): Map<number, number[]> {
  const bySku = new Map<number, number[]>();
  if (skuIds.length === 0) return bySku;
  const rows = tx.db
    .sql(
      `select p.sku_id as skuId, l.counter_id as id
       from json_each(?) s
       cross join listing_part p on p.sku_id = s.value
       join listing l on l.id = p.listing_ref and l.vanished = 0`,
    )
    .all(JSON.stringify(skuIds)) as { skuId: number; id: number }[];
  for (const { skuId, id } of rows) {
    const known = bySku.get(skuId);
    if (known === undefined) bySku.set(skuId, [id]);
    else known.push(id);
  }
  return bySku;
}

/**
 * Notes open units of a listing; answers how many matter. A net number does not contain the channel's open orders, so
 * there none does: nothing is written for them, and shipping makes nothing due.
 */
export function noteOpened(tx: Tx, channelId: number, listingRef: number, units: number): number {
  if (units === 0 || basisOf(tx, channelId) === 'net') return 0;
  tx.opened.set(listingRef, (tx.opened.get(listingRef) ?? 0) + units);
  return units;
}

function basisOf(tx: Tx, channelId: number): 'net' | 'gross' {
  const known = tx.bases.get(channelId);
  if (known !== undefined) return known;
  const row = tx.db
    .sql("select json_extract(setup, '$.basis') as basis from channel where id = ?")
    .get(channelId) as { basis: string | null } | undefined;
  const basis = row?.basis === 'gross' ? 'gross' : 'net';
  tx.bases.set(channelId, basis);
  return basis;
}

/** A channel became gross: what its listings have open is summed up once from their lines. */
export function sumOpened(db: Db, channelId: number): void {
  db.sql('update listing set open_units = 0 where channel_id = ?').run(channelId);
  db.sql(
    `update listing
     set open_units = sums.units
     from (
       select listing_ref, sum(taken - reported_gone) as units from line where channel_id = @id group by listing_ref
     ) as sums
     where listing.id = sums.listing_ref and listing.channel_id = @id`,
  ).run({ id: channelId });
}

/** Part of every update that makes counters due: since when they are, however often the try is put off. */
export function dueSince(at: string): string {
  return `due_since = case when version > done_version then coalesce(due_since, due_at) else ${at} end`;
}

/** A counter that is due already keeps its time: it stays where it is in the index. */
const dueNow = `version = version + 1, dead = 0, attempts = 0, ${dueSince('@now')},
  due_at = case when version > done_version and dead = 0 and due_at <= @now then due_at else @now end`;

function markPlain(tx: Tx, ids: number[]): void {
  if (ids.length === 0) return;
  tx.db
    .sql(`update counter set ${dueNow} where id in (select value from json_each(@ids))`)
    .run({ now: tx.now, ids: JSON.stringify(ids) });
}

function markSoldOn(tx: Tx, id: number, added: OwnChange[]): void {
  const { now } = tx;
  const appended = tx.db
    .sql(
      `update counter
       set ${dueNow},
         own = case own when '[]' then @text else substr(own, 1, length(own) - 1) || ',' || substr(@text, 2) end
       where id = @id and length(own) < @most`,
    )
    .run({ now, id, text: ownToText(added), most: mostOwnText });
  if (appended.changes > 0) return;
  tx.db
    .sql(`update counter set ${dueNow}, own = @own where id = @id`)
    .run({ now, id, own: ownText(tx, id, added) });
}

function ownText(tx: Tx, counterId: number, added: OwnChange[]): string {
  const row = tx.db.sql('select own from counter where id = ?').get(counterId) as { own: string } | undefined;
  const known = row === undefined || row.own === '[]' ? [] : ownFrom(row.own);
  return ownToText(merged([...known, ...added]));
}

/** Beyond the limit the oldest changes become one: same sum, the widest span. */
function merged(changes: OwnChange[]): OwnChange[] {
  if (changes.length <= maxOwnChanges) return changes;
  const half = changes.length >> 1;
  const old = changes.slice(0, half);
  const falls = sumOf(old.filter((change) => change.delta < 0));
  const rises = sumOf(old.filter((change) => change.delta > 0));
  return [...falls, ...rises, ...changes.slice(half)];
}

function sumOf(changes: OwnChange[]): OwnChange[] {
  const [first] = changes;
  if (first === undefined) return [];
  return [
    {
      delta: changes.reduce((sum, change) => sum + change.delta, 0),
      from: Math.min(...changes.map((change) => change.from)),
      to: Math.max(...changes.map((change) => change.to)),
    },
  ];
}

export function ownFrom(text: string): OwnChange[] {
  return (JSON.parse(text) as [number, number, number][]).map(([delta, from, to]) => ({ delta, from, to }));
}

export function ownToText(changes: readonly OwnChange[]): string {
  return JSON.stringify(changes.map((change) => [change.delta, change.from, change.to]));
}
