/** What is removed by age is found by an index: a step with nothing to remove reads next to nothing. */
export const growth = `
create index push_sent on push (sent_at);
create index request_closed on request (created_at) where state in ('done', 'failed');
create index plan_created on plan (created_at);
create index alert_resolved on alert (resolved_at) where resolved_at is not null;
create index hold_closed on hold (expires_at) where open = 0;
create index command_ref_at on command_ref (at);
`;
