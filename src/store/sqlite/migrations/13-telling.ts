/**
 * What people are told: an alert that a command opened or closed is still to be logged (`untold`), a channel knows since
 * when it fails, when it was last reconciled and what its door refused, and a counter since when it has been due.
 */
export const telling = `
alter table alert add column untold integer not null default 0;
create index alert_untold on alert (id) where untold = 1;
alter table channel add column failing_since integer;
alter table channel add column last_error text;
alter table channel add column reconciled_at integer;
alter table channel add column reconcile_failures integer not null default 0;
alter table channel add column reconcile_error text;
alter table channel add column webhook_heard_at integer;
alter table channel add column webhook_refused integer not null default 0;
alter table channel add column webhook_refused_at integer;
alter table channel add column webhook_refusal text;
alter table counter add column due_since integer;
create index counter_dead on counter (channel_id) where dead = 1;
`;
