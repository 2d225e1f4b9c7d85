import { changesAfter } from '../../stock/anchor.ts';
import type {
  ChannelSetup,
  CounterReading,
  CounterView,
  PushPlan,
  PushResult,
  PushSettlement,
} from '../store.ts';
import { dueSince, ownFrom, ownToText } from './mark.ts';
import type { Db } from './open.ts';
import { type RawCounter, viewsOf } from './views.ts';

/** In flight beyond its deadline: whoever sent it will not settle it any more. */
const overdue = "c.state = 'in_flight' and json_extract(c.unread, '$[#-1].deadline') <= @now";

/**
 * Due counters of one channel: what shows too much of nothing first, then the scarcest. Counters in flight are left
 * alone (single flight) until their deadline; those of dead boots were made `unknown` at start.
 */
export function dueCounters(db: Db, channelId: number, limit: number, now: number): CounterView[] {
  const rows = db
    .sql(
      `select c.id,
         (select min((v.on_hand - v.committed - v.reserved) / p.units)
          from listing l join listing_part p on p.listing_ref = l.id join level v on v.sku_id = p.sku_id
          where l.counter_id = c.id and l.vanished = 0) as scarcity
       from counter c
       where c.channel_id = @channelId and c.version > c.done_version and c.dead = 0 and c.due_at <= @now
         and (c.state <> 'in_flight' or (${overdue}))
       order by scarcity is null, scarcity, c.due_at, c.id
       limit @limit`,
    )
    .all({ channelId, now, limit }) as { id: number }[];
  return viewsOf(
    db,
    rows.map((row) => row.id),
  );
}

export function nextDueAt(db: Db, channelId: number): number | null {
  const row = db
    .sql(
      `select min(
         case when state = 'in_flight' then max(due_at, json_extract(unread, '$[#-1].deadline')) else due_at end
       ) as at
       from counter
       where channel_id = ? and version > done_version and dead = 0`,
    )
    .get(channelId) as { at: number | null };
  return row.at;
}

type Unread = CounterView['unread'][number];

function rawOf(db: Db, counterId: number): RawCounter | null {
  return (db.sql('select * from counter where id = ?').get(counterId) as RawCounter | undefined) ?? null;
}

function unreadOf(raw: RawCounter): Unread[] {
  return JSON.parse(raw.unread) as Unread[];
}

/** See `OutboxStore.begin`. */
export function beginPushes(db: Db, plans: PushPlan[], now: number): number[] {
  const holding: number[] = [];
  for (const plan of plans) {
    const raw = rawOf(db, plan.counterId);
    if (raw === null || raw.version !== plan.version || raw.state === 'in_flight') continue;
    carryOut(db, raw, plan, now);
    holding.push(plan.counterId);
  }
  return holding;
}

function carryOut(db: Db, raw: RawCounter, plan: PushPlan, now: number): void {
  if (plan.kind === 'send') {
    const push: Unread = {
      quantity: plan.quantity,
      sentAt: plan.sentAt,
      deadline: plan.deadline,
      version: plan.version,
      key: plan.key,
      base: plan.base,
    };
    db.sql("update counter set state = 'in_flight', lease = ?, unread = ? where id = ?").run(
      db.boot,
      JSON.stringify([...unreadOf(raw), push].slice(-10)),
      raw.id,
    );
    logPush(db, raw.id, {
      key: plan.key,
      sentAt: plan.sentAt,
      quantity: plan.quantity,
      base: plan.base,
      outcome: 'sent',
    });
    return;
  }
  if (plan.kind === 'close') {
    db.sql(
      'update counter set done_version = ?, due_since = null, attempts = 0, error = null, exposed = 0 where id = ?',
    ).run(plan.version, raw.id);
    if (plan.anchor !== null) setAnchor(db, raw, plan.anchor.number, plan.anchor.from, plan.anchor.until);
    logPush(db, raw.id, {
      key: null,
      sentAt: now,
      quantity: null,
      base: null,
      outcome: `left alone: ${plan.reason}`,
    });
    return;
  }
  if (plan.kind === 'wait') {
    db.sql('update counter set due_at = ?, error = ? where id = ?').run(plan.dueAt, plan.reason, raw.id);
    return;
  }
  db.sql(
    'update counter set dead = ?, exposed = ?, error = ?, due_at = ?, attempts = attempts + 1 where id = ?',
  ).run(plan.exposed ? 0 : 1, plan.exposed ? 1 : 0, plan.error, plan.dueAt ?? now, raw.id);
  logPush(db, raw.id, {
    key: null,
    sentAt: now,
    quantity: null,
    base: null,
    outcome: plan.exposed ? 'exposed' : 'refused',
    error: plan.error,
  });
}

interface PushLog {
  key: string | null;
  sentAt: number;
  quantity: number | null;
  base: number | null;
  outcome: string;
  error?: string;
}

function logPush(db: Db, counterId: number, log: PushLog): void {
  db.sql(
    'insert into push (counter_id, key, sent_at, quantity, base, outcome, error) values (?, ?, ?, ?, ?, ?, ?)',
  ).run(counterId, log.key, log.sentAt, log.quantity, log.base, log.outcome, log.error ?? null);
}

/** A new anchor: own changes that are surely older are in it and are forgotten. */
function setAnchor(db: Db, raw: RawCounter, number: number, from: number, until: number): void {
  const row = db.sql('select setup from channel where id = ?').get(raw.channel_id) as { setup: string };
  const margin = (JSON.parse(row.setup) as Partial<ChannelSetup>).clockMarginMs ?? 0;
  const own =
    raw.own === '[]' ? '[]' : ownToText(changesAfter({ number, from, until }, ownFrom(raw.own), margin));
  db.sql(
    `update counter
     set previous_number = anchor_number, anchor_number = ?, anchor_from = ?, anchor_until = ?, own = ?
     where id = ?`,
  ).run(number, from, until, own, raw.id);
}

/** See `OutboxStore.settle`: a result is booked only with the key it was sent with. */
export function settlePushes(db: Db, settlements: PushSettlement[], now: number): void {
  for (const settlement of settlements) {
    const raw = rawOf(db, settlement.counterId);
    if (raw === null) continue;
    const unread = unreadOf(raw);
    const sent = unread.find((push) => push.key === settlement.key);
    if (sent === undefined) continue;
    settleOne(db, raw, unread, sent, settlement, now);
  }
}

function settleOne(
  db: Db,
  raw: RawCounter,
  unread: Unread[],
  sent: Unread,
  settlement: PushSettlement,
  now: number,
): void {
  const { result } = settlement;
  logResult(db, sent.key, settlement);
  const after = settled(result, sent, unread, now);
  db.sql(`update counter set state = ?, lease = null, unread = ?, ${after.columns} where id = ?`).run(
    after.state,
    JSON.stringify(after.left),
    ...after.values,
    raw.id,
  );
  if (result.kind === 'applied') {
    setAnchor(db, raw, result.shown, sent.sentAt, result.answeredAt);
    const last = Math.max(0, ...after.left.map((push) => push.deadline));
    if (last > 0) makeDue(db, raw.id, last);
  }
  if (result.kind === 'conflict' && result.shown !== null)
    setAnchor(db, raw, result.shown, result.askedAt, result.answeredAt);
}

/** What a result makes of its counter: state, pushes that may still act, and the columns that change. */
interface Settled {
  state: 'idle' | 'unknown' | 'accepted';
  left: Unread[];
  columns: string;
  values: (string | number | null)[];
}

function settled(result: PushResult, sent: Unread, unread: Unread[], now: number): Settled {
  const others = unread.filter((push) => push.key !== sent.key);
  // Earlier pushes whose deadline has not passed may still land: they stay unread.
  const late = others.filter((push) => push.deadline > now);
  const waiting = (left: Unread[]) => ({
    state: left.length > 0 ? ('unknown' as const) : ('idle' as const),
    left,
  });
  switch (result.kind) {
    case 'applied':
      return {
        ...waiting(late),
        columns:
          'done_version = max(done_version, ?), due_since = case when version > ? then ? end, attempts = 0, error = null, dead = 0, exposed = 0, low_since = null, low_number = null, let_go = null, doubt = case when held > ? then doubt end, held = case when held > ? then held end',
        // A newer version came up after this one was sent. A lowering of another cause is no consent to a raise that a
        // brake holds.
        values: [sent.version, sent.version, sent.sentAt, sent.quantity, sent.quantity],
      };
    case 'accepted':
      // From then on a read tells what became of it.
      return {
        state: 'accepted',
        left: [...others, { ...sent, deadline: result.readAt }],
        columns: 'due_at = ?, attempts = 0, error = null',
        values: [result.readAt],
      };
    case 'conflict': {
      const text = `the channel showed ${result.shown ?? 'nothing'}, not ${sent.base ?? 'what was expected'}`;
      return {
        ...waiting(late),
        columns: 'due_at = ?, attempts = attempts + 1, error = ?',
        values: [result.dueAt, text],
      };
    }
    case 'retry':
      return {
        ...waiting(others),
        columns: 'due_at = ?, attempts = attempts + ?, error = ?',
        values: [result.dueAt, result.spendsAttempt ? 1 : 0, result.error],
      };
    case 'unknown':
      return {
        state: 'unknown',
        left: [...others, sent],
        columns: 'due_at = ?, error = ?',
        values: [result.dueAt, result.error],
      };
    case 'rejected': {
      const text = result.hint === '' ? result.error : `${result.error} (${result.hint})`;
      return {
        ...waiting(others),
        columns: 'dead = ?, exposed = ?, due_at = ?, attempts = attempts + 1, error = ?',
        values: [result.exposed ? 0 : 1, result.exposed ? 1 : 0, result.dueAt ?? now, text],
      };
    }
  }
}

function logResult(db: Db, key: string, settlement: PushSettlement): void {
  const { result } = settlement;
  const shown = 'shown' in result ? result.shown : null;
  const answeredAt = 'answeredAt' in result ? result.answeredAt : null;
  const error = 'error' in result ? result.error : null;
  db.sql(
    "update push set outcome = ?, shown = ?, answered_at = ?, error = ? where counter_id = ? and key = ? and outcome in ('sent', 'unknown')",
  ).run(result.kind, shown, answeredAt, error, settlement.counterId, key);
}

/**
 * See `OutboxStore.read`. A read that anchors ends all that was unread before it began. One that was asked before the
 * last one booked proves nothing any more, whoever asked; a last one of the future was told by a clock that was wrong.
 */
export function bookReadings(db: Db, readings: CounterReading[], now: number): void {
  for (const reading of readings) {
    const raw = rawOf(db, reading.counterId);
    if (raw === null) continue;
    const last = raw.read_asked;
    if (last === null || reading.askedAt >= last || last > now) bookReading(db, raw, reading);
    if (reading.dueAt !== null) touchCounters(db, [raw.id], reading.dueAt);
  }
}

function bookReading(db: Db, raw: RawCounter, reading: CounterReading): void {
  db.sql(
    `update counter
     set read_shown = ?, read_asked = ?, read_answered = ?, read_cause = ?, low_since = ?, low_number = ?
     where id = ?`,
  ).run(
    reading.shown,
    reading.askedAt,
    reading.answeredAt,
    reading.cause,
    reading.lowSince,
    reading.lowNumber,
    raw.id,
  );
  // A push that began after the read was asked for knows better.
  if (raw.anchor_from !== null && raw.anchor_from > reading.askedAt) return;
  const agreed = raw.doubt === null && raw.held === null && raw.let_go === null;
  if (reading.doubt !== undefined && !(agreed && reading.doubt === null)) {
    const ends = reading.doubt === null ? ', held = null, let_go = null' : '';
    db.sql(`update counter set doubt = ?${ends} where id = ?`).run(reading.doubt, raw.id);
  }
  if (!reading.anchors || reading.shown === null || raw.state === 'in_flight') return;
  setAnchor(db, raw, reading.shown, reading.askedAt, reading.answeredAt);
  const left = unreadOf(raw).filter((push) => push.sentAt > reading.askedAt);
  db.sql('update counter set unread = ?, state = ? where id = ?').run(
    JSON.stringify(left),
    left.length > 0 ? raw.state : 'idle',
    raw.id,
  );
}

/** A reason to push, also one that was dead, at this time. */
function makeDue(db: Db, id: number, at: number): void {
  db.sql(
    `update counter set ${dueSince('@at')}, version = version + 1, due_at = @at, dead = 0 where id = @id`,
  ).run({ id, at });
}

export function touchCounters(db: Db, counterIds: number[], dueAt: number): void {
  for (const id of counterIds) {
    makeDue(db, id, dueAt);
  }
}

export function pageOfCounters(
  db: Db,
  channelId: number,
  afterId: number,
  limit: number,
  setup?: ChannelSetup,
): CounterView[] {
  const rows = db
    .sql('select id from counter where channel_id = ? and id > ? order by id limit ?')
    .all(channelId, afterId, limit) as { id: number }[];
  const ids = rows.map((row) => row.id);
  return viewsOf(db, ids, [], setup === undefined ? new Map() : new Map([[channelId, setup]]));
}

export function countersOfListings(db: Db, channelId: number, listingIds: string[]): number[] {
  const found = new Set<number>();
  for (const listingId of listingIds) {
    const row = (db
      .sql('select counter_id as id from listing where channel_id = ? and listing_id = ?')
      .get(channelId, listingId) ??
      db
        .sql(
          'select l.counter_id as id from listing_alias a join listing l on l.id = a.listing_ref where a.channel_id = ? and a.alias = ?',
        )
        .get(channelId, listingId)) as { id: number } | undefined;
    if (row !== undefined) found.add(row.id);
  }
  return [...found];
}

/** What a command hears whose request was running when the process died. */
const stoppedHalfway = {
  code: 'stopped',
  message: 'invsync stopped before this was finished',
  hint: 'repeat the command',
  exit_code: 5,
};

/** See `OutboxStore.expireFlights`. A late answer still settles what it was sent for: it carries the push's key. */
export function expireFlights(db: Db, channelId: number, now: number): number {
  return db
    .sql(
      `update counter as c
       set state = 'unknown', lease = null, error = 'no answer was noted by its deadline'
       where c.channel_id = @channelId and c.version > c.done_version and c.dead = 0 and ${overdue}`,
    )
    .run({ channelId, now }).changes;
}

/** Pushes of dead boots have no answer: unknown until their deadline. Their leases are void at once. */
export function recoverPushes(db: Db): number {
  const { changes } = db
    .sql(
      `update counter
       set state = 'unknown', lease = null, error = 'no answer: invsync stopped while it was on its way',
         version = case when version = done_version then version + 1 else version end
       where state = 'in_flight' and (lease is null or lease <> ?)`,
    )
    .run(db.boot);
  db.sql(
    `update request
     set state = 'failed', result = ?
     where state = 'running'`,
  ).run(JSON.stringify({ error: stoppedHalfway }));
  return changes;
}
