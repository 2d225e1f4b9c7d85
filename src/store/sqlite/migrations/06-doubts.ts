/** Units that a seller could not find when an order was cancelled for it; `sku_id` 0: sold without a mapping. */
export const doubts = `
create table doubt (
  sku_id integer not null,
  line_id integer not null,
  told integer not null,
  units integer not null,
  at integer not null,
  open integer not null,
  primary key (sku_id, line_id)
) strict, without rowid;
create index doubt_unmapped on doubt (line_id) where sku_id = 0;
`;
