/** Pieces booked as found since the last count: the first that a line gives back were these. */
export const found = `
alter table level add column found integer not null default 0;
`;
