/**
 * What a channel's lines belong to is the account: `account_seen` is the one that its credentials led to when they
 * were last asked, `successor` the channel into which a row was taken over. Neither row nor id is ever used again.
 */
export const accounts = `
alter table channel add column account_seen text;
alter table channel add column successor integer;
update channel set held_reason = null where held_reason like 'account: %';
`;
