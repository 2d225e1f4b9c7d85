import { endAlert, raiseAlert } from './alerts.ts';
import { freeIn, levelIn, moveLevel, type Tx } from './ledger.ts';
import type { LineRow } from './lines.ts';
import { codeOf } from './sku.ts';

/** What a channel says of units that the seller could not find. `told`: listing units so far, whoever learned them. */
interface Told {
  told: number;
  /** Of the newest, those that our stock had never given the line: the books lack them already. */
  neverGiven: number;
  at: number;
  order: { channelId: number; orderId: string; name: string };
}

interface DoubtRow {
  sku_id: number;
  line_id: number;
  units: number;
  at: number;
}

/**
 * Units that a seller says do not exist stay off sale until the SKU is counted. Each unit is booked once, however
 * often and in whatever order the snapshots come. Answers the alerts.
 */
export function doubtLine(tx: Tx, line: LineRow, facts: Told): { sku: string; message: string }[] {
  const alerts: { sku: string; message: string }[] = [];
  for (const [skuId, per] of line.parts ?? [[0, 1] as const]) {
    const known = tx.db.sql('select told from doubt where sku_id = ? and line_id = ?').get(skuId, line.id) as
      | { told: number }
      | undefined;
    const more = facts.told - (known?.told ?? 0);
    if (more <= 0) continue;
    const units = per * Math.max(0, more - facts.neverGiven);
    const counted = skuId !== 0 && isCounted(tx, skuId, facts.at);
    tx.db
      .sql(
        `insert into doubt (sku_id, line_id, told, units, at, open) values (@skuId, @lineId, @told, @units, @at, @open)
         on conflict (sku_id, line_id) do update
         set told = excluded.told, units = case when open = 1 then units else 0 end + excluded.units, at = excluded.at,
           open = excluded.open`,
      )
      .run({ skuId, lineId: line.id, told: facts.told, units, at: facts.at, open: counted ? 0 : 1 });
    if (units === 0 || counted || skuId === 0 || levelIn(tx, skuId).counted === 0) continue;
    const row = { sku_id: skuId, line_id: line.id, units, at: facts.at };
    if (book(tx, row, facts.order) > 0) alerts.push(alertOf(tx, skuId, facts.order));
  }
  return alerts;
}

/** The sale of a listing that is mapped only now: what was doubted of it concerns these SKUs. */
export function doubtMapped(tx: Tx, line: LineRow): void {
  if (line.parts === null) return;
  const row = tx.db
    .sql('delete from doubt where sku_id = 0 and line_id = ? returning told, units, at')
    .get(line.id) as { told: number; units: number; at: number } | undefined;
  if (row === undefined) return;
  const order = orderOfLine(tx, line.id);
  doubtLine(tx, line, { told: row.told, neverGiven: row.told - row.units, at: row.at, order });
}

/** A count ends the doubts that are older than it; a younger one is evidence against this count as well. */
export function recountDoubts(tx: Tx, skuId: number, asOf: number): void {
  tx.db.sql('update doubt set open = 0 where sku_id = ? and open = 1 and at <= ?').run(skuId, asOf);
  const younger = tx.db
    .sql('select sku_id, line_id, units, at from doubt where sku_id = ? and open = 1 order by at, line_id')
    .all(skuId) as DoubtRow[];
  for (const row of younger) {
    const order = orderOfLine(tx, row.line_id);
    if (book(tx, row, order) > 0) alertOf(tx, skuId, order);
  }
  if (younger.length > 0) return;
  for (const code of namesOf(tx, skuId)) endAlert(tx.db, 'stock_doubted', code, tx.now);
}

function isCounted(tx: Tx, skuId: number, at: number): boolean {
  const { counted, as_of } = levelIn(tx, skuId);
  return counted === 1 && as_of !== null && at <= as_of;
}

/** Takes off what is there; what others were given or hold is not taken from them on a suspicion. */
function book(tx: Tx, row: DoubtRow, { channelId, orderId }: Told['order']): number {
  const units = Math.min(row.units, freeIn(tx, row.sku_id));
  if (units <= 0) return 0;
  const delta = { onHand: -units, committed: 0, reserved: 0 };
  const reason = 'cancelled because it was not found: off sale until it is counted';
  const cause = { kind: 'doubted', occurredAt: row.at, lineId: row.line_id, reason, channelId, orderId };
  if (moveLevel(tx, row.sku_id, delta, cause) === null)
    throw new Error(`the doubt on SKU id ${row.sku_id} does not add up`);
  return units;
}

function alertOf(tx: Tx, skuId: number, order: Told['order']): { sku: string; message: string } {
  const sku = codeOf(tx.db, skuId);
  const { units } = tx.db
    .sql('select sum(units) as units from doubt where sku_id = ? and open = 1')
    .get(skuId) as { units: number };
  const channel = tx.db.sql('select name from channel where id = ?').get(order.channelId) as { name: string };
  const message = `order ${order.name} on ${channel.name} was cancelled because ${sku} was not found; ${units} of it ${units === 1 ? 'is' : 'are'} off sale on every channel until it is counted: invsync stock count ${sku} N`;
  raiseAlert(tx.db, { channelId: order.channelId, kind: 'stock_doubted', subject: sku, message }, tx.now);
  return { sku, message };
}

function orderOfLine(tx: Tx, lineId: number): Told['order'] {
  return tx.db
    .sql(
      `select o.channel_id as channelId, o.order_id as orderId, coalesce(o.number, o.order_id) as name
       from line l join orders o on o.id = l.order_ref
       where l.id = ?`,
    )
    .get(lineId) as Told['order'];
}

/** The SKU may have had another name when the alert opened. */
function namesOf(tx: Tx, skuId: number): string[] {
  const former = tx.db.sql('select code from sku_alias where sku_id = ?').all(skuId) as { code: string }[];
  return [codeOf(tx.db, skuId), ...former.map((row) => row.code)];
}
