/** Deliveries are claimed channel by channel, so that one channel's thousands never stand before another's one. */
export const claimByChannel = `
create index delivery_waiting on delivery (channel_id, due_at, id) where status = 'new';
drop index delivery_due;
`;
