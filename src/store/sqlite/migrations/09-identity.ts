/**
 * A mapping knows why it was made, a listing its SKU in normal form, and one that is gone who took its place. What was
 * mapped before counts as made by its SKU where the two are equal or invsync itself said so.
 */
export const identity = `
alter table listing add column sku text;
alter table listing add column mapped_by text check (mapped_by in ('name', 'sku'));
alter table listing add column heir integer;
create index listing_named on listing (channel_id, sku) where vanished = 0 and sku is not null;
create index listing_part_listing on listing_part (listing_ref);
update listing
set sku = nullif(trim(channel_sku, ' ' || char(9) || char(10) || char(13) || char(160)), '')
where channel_sku is not null;
update listing
set mapped_by = case
  when exists (
    select 1 from listing_part p
    where p.listing_ref = listing.id and p.units = 1 and p.sku_id in (
      (select id from sku where code = listing.channel_sku),
      (select sku_id from sku_alias where code = listing.channel_sku),
      (select id from sku where code = listing.sku))) then 'sku'
  when (
    select d.by = 'invsync' and d.verb = 'map' from deed d join channel c on c.id = listing.channel_id
    where d.subject = c.name || ' ' || listing.listing_id and d.verb in ('map', 'unmap')
    order by d.id desc limit 1) then 'sku'
  else 'name' end
where parts is not null;
`;
