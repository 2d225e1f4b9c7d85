/** A feed knows every change of its orders since then; feeds that were read before this column came are left as they are. */
export const knownFrom = `
alter table feed add column known_from integer;
update feed set known_from = 0 where watermark is not null;
create index level_as_of on level (as_of) where counted = 1;
`;
