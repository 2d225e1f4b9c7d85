/**
 * The first schema. Tables are STRICT, CHECK constraints state the state machines, unique keys carry
 * the idempotency. Times are integer milliseconds. Fat bodies live in rowid tables, last in the row; small keyed rows WITHOUT ROWID.
 */
export const books = `
create table meta (key text primary key, value text not null) strict, without rowid;
create table boot (id integer primary key, token text not null unique, started_at integer not null, stopped_at integer) strict;

create table channel (
  id integer primary key,
  name text not null unique,
  type text not null,
  account_id text,
  mode text not null check (mode in ('observe', 'shadow', 'live')),
  mode_in_file text,
  mode_by text not null check (mode_by in ('file', 'command')),
  paused integer not null default 0,
  parked_since integer,
  parked_reason text,
  live_since integer,
  planned_at integer,
  brake_plan text,
  held_reason text,
  orphaned integer not null default 0,
  last_ok_at integer,
  webhooks_registered integer not null default 0,
  setup text not null
) strict;
create unique index channel_account on channel (type, account_id) where account_id is not null and orphaned = 0;

create table feed (
  channel_id integer primary key references channel (id),
  watermark integer,
  pulled_from integer,
  pulled_at integer,
  gap_at integer,
  swept_at integer,
  error text
) strict;

create table vault (
  channel_id integer not null,
  key text not null,
  value text not null,
  primary key (channel_id, key)
) strict, without rowid;

create table delivery (
  id integer primary key,
  channel_id integer not null,
  key text not null,
  kind text not null,
  meta text not null,
  body_hash text not null,
  status text not null check (status in ('new', 'applied', 'ignored', 'unmapped', 'dead')),
  received_at integer not null,
  due_at integer not null,
  settled_at integer,
  attempts integer not null default 0,
  looks integer not null default 0,
  replay integer not null default 0,
  error text,
  outcome text,
  orders text,
  fields text,
  body blob,
  unique (channel_id, key)
) strict;
create index delivery_due on delivery (due_at, id) where status = 'new';
create index delivery_dead on delivery (channel_id) where status = 'dead';
create index delivery_unmapped on delivery (channel_id) where status = 'unmapped';
create index delivery_received on delivery (received_at);

create table sku (id integer primary key, code text not null unique, created_at integer not null) strict;
create table sku_alias (code text primary key, sku_id integer not null references sku (id)) strict, without rowid;

create table level (
  sku_id integer primary key references sku (id),
  counted integer not null default 0,
  on_hand integer not null default 0 check (on_hand >= 0),
  committed integer not null default 0 check (committed >= 0),
  reserved integer not null default 0 check (reserved >= 0),
  basis text check (basis in ('shelf', 'free')),
  as_of integer,
  last_entry integer,
  last_line integer,
  version integer not null default 0,
  check (on_hand - committed - reserved >= 0)
) strict;
create index level_uncounted on level (sku_id) where counted = 0;

create table entry (
  id integer primary key,
  sku_id integer not null,
  prev integer,
  kind text not null,
  on_hand integer not null,
  committed integer not null,
  reserved integer not null,
  after integer not null,
  occurred_at integer not null,
  recorded_at integer not null,
  channel_id integer,
  order_id text,
  line_id integer,
  by text,
  reason text,
  ref text
) strict;

create table orders (
  id integer primary key,
  channel_id integer not null,
  order_id text not null,
  number text,
  version integer not null,
  clock text not null,
  asked_at integer not null,
  answered_at integer not null,
  digest text not null,
  placed_at integer not null,
  changed_at integer not null,
  status text not null,
  cancelled integer not null,
  open integer not null,
  missing integer not null default 0,
  learned_by text not null check (learned_by in ('delivery', 'pull', 'sweep')),
  learned_at integer not null,
  heard_at integer,
  rev integer not null default 1,
  unique (channel_id, order_id)
) strict;
create index orders_open on orders (channel_id, answered_at) where open = 1;
create index orders_unheard on orders (channel_id, learned_at) where heard_at is null;

create table line (
  id integer primary key,
  channel_id integer not null,
  line_key text not null,
  order_ref integer not null references orders (id),
  listing_ref integer,
  listing_text text,
  channel_sku text,
  taken integer not null check (taken >= 0),
  gone integer not null check (gone >= 0),
  given integer not null check (given >= 0),
  presumed integer not null default 0,
  waived integer not null default 0,
  reported_gone integer not null,
  allocation text not null check (allocation in ('unmapped', 'uncounted', 'held')),
  parts text,
  sold_at integer not null,
  stages text not null,
  rev integer not null default 1,
  unique (channel_id, line_key),
  check (allocation <> 'held' or (gone <= given and given <= taken))
) strict;
create index line_order on line (order_ref);
create index line_unmapped on line (channel_id, listing_text) where allocation = 'unmapped';

create table docket (
  id integer primary key,
  line_id integer not null unique references line (id),
  channel_id integer not null,
  order_id text not null,
  sku text,
  shortfall integer not null,
  status text not null check (status in ('open', 'filled', 'cancelled', 'written-off')),
  cause text not null check (cause in ('sale', 'count')),
  policy text not null check (policy in ('alert', 'hold', 'cancel')),
  blocked integer not null default 0,
  placed_at integer not null,
  opened_at integer not null,
  resolved_at integer,
  resolved_by text
) strict;
create index docket_open on docket (status) where status = 'open';
create table short (
  sku_id integer not null,
  sold_at integer not null,
  line_id integer not null,
  primary key (sku_id, sold_at, line_id)
) strict, without rowid;

create table action (
  id integer primary key,
  channel_id integer not null,
  order_id text not null,
  kind text not null check (kind in ('hold', 'cancel')),
  key text not null,
  state text not null check (state in ('due', 'done', 'refused')),
  attempts integer not null default 0,
  due_at integer not null,
  detail text,
  settled_at integer
) strict;
create unique index action_flight on action (channel_id, order_id) where state = 'due';

create table listing (
  id integer primary key,
  channel_id integer not null,
  listing_id text not null,
  counter_id integer not null,
  channel_sku text,
  title text not null,
  aliases text not null,
  facts text not null,
  parts text,
  mode text not null default 'on' check (mode in ('on', 'off')),
  buffer integer,
  percent integer,
  max integer,
  fixed integer,
  open_units integer not null default 0,
  unwritable text,
  ambiguous integer not null default 0,
  seen_at integer not null,
  vanished integer not null default 0,
  unique (channel_id, listing_id)
) strict;
create index listing_counter on listing (counter_id);
create index listing_sku on listing (channel_id, channel_sku);
create table listing_alias (
  channel_id integer not null,
  alias text not null,
  listing_ref integer not null,
  primary key (channel_id, alias)
) strict, without rowid;
create table listing_part (
  sku_id integer not null,
  listing_ref integer not null,
  units integer not null check (units > 0),
  primary key (sku_id, listing_ref)
) strict, without rowid;

create table counter (
  id integer primary key,
  channel_id integer not null,
  counter_key text not null,
  version integer not null default 0,
  done_version integer not null default 0,
  due_at integer not null default 0,
  attempts integer not null default 0,
  state text not null default 'idle' check (state in ('idle', 'in_flight', 'unknown', 'accepted')),
  lease text,
  unread text not null default '[]',
  anchor_number integer,
  anchor_from integer,
  anchor_until integer,
  previous_number integer,
  own text not null default '[]',
  dead integer not null default 0,
  exposed integer not null default 0,
  error text,
  low_since integer,
  low_number integer,
  read_shown integer,
  read_asked integer,
  read_answered integer,
  read_cause text,
  unique (channel_id, counter_key)
) strict;
create index counter_due on counter (channel_id, due_at) where version > done_version and dead = 0;
create index counter_exposed on counter (channel_id) where exposed = 1;

create table push (
  id integer primary key,
  counter_id integer not null,
  key text,
  sent_at integer not null,
  quantity integer,
  base integer,
  outcome text not null,
  shown integer,
  answered_at integer,
  error text
) strict;
create index push_counter on push (counter_id, id);

create table hold (
  id text primary key,
  key text not null unique,
  body_hash text not null,
  state text not null check (state in ('held', 'committed', 'released', 'expired', 'refused')),
  answer text,
  expires_at integer not null,
  channel_id integer,
  order_ref text,
  reference text,
  created_at integer not null,
  open integer not null,
  met integer not null default 0
) strict, without rowid;
create index hold_expiry on hold (expires_at) where state = 'held';
create index hold_tied on hold (channel_id, order_ref) where open = 1 and order_ref is not null;
create table hold_line (
  hold_id text not null,
  sku_id integer not null,
  quantity integer not null check (quantity > 0),
  remaining integer not null check (remaining >= 0),
  primary key (hold_id, sku_id)
) strict, without rowid;

create table request (
  id integer primary key,
  kind text not null,
  args text not null,
  state text not null check (state in ('waiting', 'running', 'done', 'failed')),
  progress text,
  result text,
  created_at integer not null
) strict;
create index request_waiting on request (id) where state = 'waiting';
create table plan (
  id text primary key,
  created_at integer not null,
  cause text not null,
  state text not null check (state in ('open', 'applied', 'refused')),
  body text not null
) strict;
create table schedule (name text primary key, due_at integer not null, last_ok_at integer) strict, without rowid;
create table alert (
  id integer primary key,
  channel_id integer,
  kind text not null,
  subject text not null,
  message text not null,
  since integer not null,
  last_at integer not null,
  count integer not null default 1,
  resolved_at integer
) strict;
create unique index alert_open on alert (kind, subject) where resolved_at is null;
create table deed (
  id integer primary key,
  at integer not null,
  by text not null,
  reason text,
  verb text not null,
  subject text not null,
  detail text not null
) strict;
create index deed_subject on deed (subject, id);
create table command_ref (ref text primary key, at integer not null, outcome text not null) strict, without rowid;

insert into channel (id, name, type, mode, mode_by, setup)
values (0, '(reservations)', 'internal', 'observe', 'file', '{}');
`;
