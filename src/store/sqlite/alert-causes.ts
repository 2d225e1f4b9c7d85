import { iso } from '../../clock.ts';
import type { AlertKind, CounterView } from '../store.ts';
import { lowSkus } from './low.ts';
import type { Db } from './open.ts';
import { viewsOf } from './views.ts';

/** Why an alert stands: what it is about, and the sentence that ends with the command that mends it. */
export interface Cause {
  channelId: number | null;
  subject: string;
  message: string;
}

/** Causes of one kind, oldest first; `whole` is false when there are more than are told. */
export interface Causes {
  kind: AlertKind;
  causes: Cause[];
  whole: boolean;
}

/** Of one kind so many are told by name. */
const mostOfKind = 1_000;
/** A channel that has failed for so long is told; a single failure is weather. */
const failingAfterMs = 2 * 60_000;
/** Runs that failed one after the other. */
const reconcileFailures = 3;
/** Webhooks are counted as missing over a day, each once it is late; a single one is weather. */
const missed = { withinMs: 86_400_000, lateMs: 10 * 60_000, fewest: 3 } as const;
/** Refused calls since the last good one. */
const refusals = { fewest: 3, withinMs: 3_600_000 } as const;

/** Every alert whose cause stands in the books. All other kinds are opened and closed by the duties that meet them. */
export function causesIn(db: Db, now: number): Causes[] {
  return [
    whole('oversell', oversells(db)),
    whole('dead_delivery', deadDeliveries(db)),
    whole('unmapped_sale', unmappedSales(db)),
    whole('exposed', numbersThat(db, 'exposed')),
    whole('refused_push', numbersThat(db, 'dead')),
    whole('channel_parked', parked(db)),
    whole('channel_failing', failing(db, now)),
    whole('reconcile_overdue', unreconciled(db)),
    whole('missed_webhooks', missedWebhooks(db, now)),
    whole('webhook_refused', refusedAtTheDoor(db, now)),
    whole('low_stock', lowStock(db)),
  ];
}

function whole(kind: AlertKind, causes: Cause[]): Causes {
  return { kind, causes, whole: causes.length < mostOfKind };
}

/** Open alerts of other kinds whose cause is gone from the books, or whose channel is gone or called otherwise. */
export function overIn(db: Db): number[] {
  const rows = db
    .sql(
      `select a.id from alert a left join channel c on c.id = a.channel_id
       where a.resolved_at is null and (
         (a.kind = 'brake' and c.brake_plan is null)
         or (a.kind = 'channel_held' and c.held_reason is null)
         or (a.kind = 'action_refused' and not exists (
               select 1 from docket d
               where d.status = 'open' and d.channel_id = a.channel_id and a.subject = c.name || ' ' || d.order_id))
         or (a.kind in ('feed_stale', 'queue_refused', 'webhook_lost', 'brake', 'channel_held')
             and (c.id is null or c.orphaned = 1 or c.type = 'internal' or a.subject <> c.name)))`,
    )
    .all() as { id: number }[];
  return rows.map((row) => row.id);
}

/** A word of a command line as a person can paste it. */
function word(text: string): string {
  return /^[\w@%+=:,./#-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function rowsOf<Row>(db: Db, text: string, ...values: number[]): Row[] {
  return db.sql(`${text} limit ${mostOfKind}`).all(...values) as Row[];
}

function oversells(db: Db): Cause[] {
  const rows = rowsOf<{
    id: number;
    channelId: number;
    channel: string;
    orderId: string;
    number: string | null;
    missing: number;
    skus: string | null;
  }>(
    db,
    `select min(d.id) as id, d.channel_id as channelId, c.name as channel, d.order_id as orderId, o.number,
       sum(d.shortfall) as missing, group_concat(distinct d.sku) as skus
     from docket d
     join channel c on c.id = d.channel_id
     left join orders o on o.channel_id = d.channel_id and o.order_id = d.order_id
     where d.status = 'open'
     group by d.channel_id, d.order_id
     order by min(d.id)`,
  );
  return rows.map(({ id, channelId, channel, orderId, number, missing, skus }) => ({
    channelId,
    subject: `${channel} ${orderId}`,
    message: `order ${number ?? orderId} on ${channel} wants ${missing} more of ${skus ?? 'a SKU'} than there is; see: invsync oversells list, then: invsync oversells resolve ${id} --as filled|cancelled|written-off`,
  }));
}

function deadDeliveries(db: Db): Cause[] {
  const rows = rowsOf<{ id: number; channelId: number; channel: string; error: string | null }>(
    db,
    `select d.id, d.channel_id as channelId, c.name as channel, d.error
     from delivery d join channel c on c.id = d.channel_id
     where d.status = 'dead' order by d.id`,
  );
  return rows.map(({ id, channelId, channel, error }) => ({
    channelId,
    subject: `${channel} event ${id}`,
    message: `event ${id} of ${channel} cannot be applied: ${error ?? 'no reason given'}; mend the cause, then: invsync events replay ${id} (or invsync events dismiss ${id})`,
  }));
}

function unmappedSales(db: Db): Cause[] {
  const rows = rowsOf<{
    channelId: number;
    channel: string;
    listing: string | null;
    channelSku: string | null;
    units: number;
  }>(
    db,
    `select l.channel_id as channelId, c.name as channel, l.listing_text as listing, max(l.channel_sku) as channelSku,
       sum(l.taken) as units
     from line l join channel c on c.id = l.channel_id
     where l.allocation = 'unmapped' and l.taken > 0
     group by l.channel_id, l.listing_text
     order by min(l.id)`,
  );
  return rows.map(({ channelId, channel, listing, channelSku, units }) => {
    const name = channelSku === null || channelSku === '' ? (listing ?? 'an unknown listing') : channelSku;
    const map =
      listing === null
        ? 'invsync listings unmatched'
        : `invsync listings map ${word(channel)} ${word(listing)} SKU`;
    const sold = `${units} sold of ${name} on ${channel}`;
    return {
      channelId,
      subject: `${channel} ${listing ?? ''}`.trim(),
      message: `${sold}: a listing without a SKU, so no stock is taken for it; see: invsync listings unmatched, then: ${map}`,
    };
  });
}

function lowStock(db: Db): Cause[] {
  const rows = rowsOf<{ sku: string; available: number; below: number }>(
    db,
    `select s.code as sku, l.on_hand - l.committed - l.reserved as available, s.alert_below as below
     from sku s join level l on l.sku_id = s.id where s.id in (${lowSkus}) order by s.id`,
  );
  return rows.map(({ sku, available, below }) => ({
    channelId: null,
    subject: sku,
    message: `${sku} has ${available} left (told at ${below} or fewer); order more, or: invsync stock set-alert ${word(sku)} N|off`,
  }));
}

/** Numbers that cannot be written and are still wrong, of listings that are still there and offered. */
function numbersThat(db: Db, what: 'exposed' | 'dead'): Cause[] {
  const rows = rowsOf<{ id: number; channel: string }>(
    db,
    `select c.id, ch.name as channel
     from counter c join channel ch on ch.id = c.channel_id
     where c.${what} = 1 and ch.orphaned = 0 and ch.mode <> 'observe'
     order by c.id`,
  );
  const names = new Map(rows.map((row) => [row.id, row.channel]));
  const words = what === 'exposed' ? 'shows more than there is and cannot be lowered' : 'refuses its number';
  return viewsOf(db, [...names.keys()])
    .filter(isWrong)
    .map((view) => {
      const channel = names.get(view.counterId) ?? '';
      const subject = `${channel} ${view.listings[0]?.listingId ?? view.counterKey}`;
      const why = view.error ?? 'no reason given';
      return {
        channelId: view.channelId,
        subject,
        message: `${subject} ${words}: ${why}; when that is mended: invsync pushes retry --channel ${word(channel)}`,
      };
    });
}

/** A number that became right by itself, or whose listing is gone or left alone, concerns nobody any more. */
function isWrong({ listings, target, lastRead }: CounterView): boolean {
  const offered = listings.some((listing) => listing.mode === 'on' && !listing.vanished);
  return offered && target.kind === 'number' && lastRead?.shown !== target.quantity;
}

function parked(db: Db): Cause[] {
  const rows = rowsOf<{ id: number; name: string; reason: string | null }>(
    db,
    'select id, name, parked_reason as reason from channel where parked_since is not null and orphaned = 0 order by id',
  );
  return rows.map(({ id, name, reason }) => ({
    channelId: id,
    subject: name,
    message: `${name} refuses our credentials: ${reason ?? 'no reason given'}; mend them, then: invsync check`,
  }));
}

function failing(db: Db, now: number): Cause[] {
  const rows = rowsOf<{ id: number; name: string; since: number; error: string | null }>(
    db,
    `select id, name, failing_since as since, last_error as error from channel
     where failing_since <= ? and parked_since is null and orphaned = 0 order by id`,
    now - failingAfterMs,
  );
  return rows.map(({ id, name, since, error }) => ({
    channelId: id,
    subject: name,
    message: `${name} has given no good answer since ${iso(since)}: ${error ?? 'no reason given'}; see: invsync check`,
  }));
}

function unreconciled(db: Db): Cause[] {
  const rows = rowsOf<{
    id: number;
    name: string;
    at: number | null;
    failures: number;
    error: string | null;
  }>(
    db,
    `select id, name, reconciled_at as at, reconcile_failures as failures, reconcile_error as error from channel
     where reconcile_failures >= ? and orphaned = 0 order by id`,
    reconcileFailures,
  );
  return rows.map(({ id, name, at, failures, error }) => {
    const last = at === null ? 'never before' : `last at ${iso(at)}`;
    return {
      channelId: id,
      subject: name,
      message: `${name} could not be reconciled ${failures} times in a row (${last}): ${error ?? 'no reason given'}; see: invsync reconcile --channel ${word(name)} --dry-run`,
    };
  });
}

function missedWebhooks(db: Db, now: number): Cause[] {
  const rows = rowsOf<{ id: number; name: string; count: number }>(
    db,
    `select c.id, c.name, count(*) as count
     from channel c join orders o on o.channel_id = c.id
     where c.webhooks_registered = 1 and c.orphaned = 0 and o.heard_at is null and o.learned_by <> 'delivery'
       and o.learned_at > ? and o.learned_at < ?
     group by c.id having count(*) >= ? order by c.id`,
    now - missed.withinMs,
    now - missed.lateMs,
    missed.fewest,
  );
  return rows.map(({ id, name, count }) => ({
    channelId: id,
    subject: name,
    message: `${count} orders of ${name} came by poll within a day and not by webhook; see: invsync webhooks list ${word(name)}`,
  }));
}

function refusedAtTheDoor(db: Db, now: number): Cause[] {
  const rows = rowsOf<{ id: number; name: string; count: number; heard: number | null; why: string | null }>(
    db,
    `select id, name, webhook_refused as count, webhook_heard_at as heard, webhook_refusal as why from channel
     where webhook_refused >= ? and webhook_refused_at > ? and orphaned = 0 order by id`,
    refusals.fewest,
    now - refusals.withinMs,
  );
  return rows.map(({ id, name, count, heard, why }) => {
    const since = heard === null ? 'and none was ever good' : `since the last good one at ${iso(heard)}`;
    return {
      channelId: id,
      subject: name,
      message: `${count} calls for ${name} were refused (${why ?? 'no reason given'}) ${since}; compare the secret with the platform's, then: invsync webhooks register ${word(name)}`,
    };
  });
}
