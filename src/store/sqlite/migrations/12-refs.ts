/**
 * A ref names what it did (`did`), a level the ref of its last count (null: it had none), and a hold when it was committed,
 * so that one whose order never comes can be told by its age.
 */
export const refs = `
alter table command_ref add column did text;
alter table level add column counted_by text;
alter table hold add column committed_at integer;
update hold set committed_at = expires_at where state = 'committed';
create index hold_waiting on hold (committed_at) where open = 1 and state = 'committed';
`;
