/**
 * A count looks at the lines since the last one and at those that had not settled by then, not at a SKU's whole life:
 * all lines of the chain from `settled_line` on had settled before `settled_at`, but for those in `unsettled`.
 */
export const settled = `
alter table level add column settled_line integer;
alter table level add column settled_at integer;
create table unsettled (
  sku_id integer not null,
  line_id integer not null,
  primary key (sku_id, line_id)
) strict, without rowid;
`;
