/** What each route was told of each alert, how routes fare, and from which number on a SKU is low. */
export const told = `
create table told (
  alert_id integer not null references alert (id) on delete cascade,
  route text not null,
  first_at integer not null,
  last_at integer not null,
  over_at integer,
  primary key (alert_id, route)
) strict, without rowid;
create index told_standing on told (alert_id) where over_at is null;
create table route (
  name text primary key,
  failures integer not null default 0,
  failing_since integer,
  retry_at integer,
  error text,
  last_ok_at integer
) strict, without rowid;
alter table sku add column alert_below integer;
create index sku_alert on sku (id) where alert_below is not null;
`;
