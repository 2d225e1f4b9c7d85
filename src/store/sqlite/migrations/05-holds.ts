/**
 * What a brake holds is written on each counter: why its number is in doubt, the target it is held at, and how far a
 * person has let it go. Open brake plans are carried over; an empty one held nothing back for a reason and ends.
 */
export const holds = `
alter table counter add column doubt text;
alter table counter add column held integer;
alter table counter add column let_go integer;
create index counter_doubt on counter (channel_id) where doubt is not null or held is not null;
update counter
set held = line.target, doubt = line.cause
from (
  select json_extract(l.value, '$.counter_id') as id, json_extract(l.value, '$.target') as target,
    json_extract(l.value, '$.cause') as cause
  from channel c join plan p on p.id = c.brake_plan, json_each(p.body, '$.lines') l
  where json_extract(l.value, '$.channel') = c.name
) as line
where counter.id = line.id and line.target is not null;
update plan set state = 'refused'
where cause = 'brake' and state = 'open'
  and id not in (
    select c.brake_plan from channel c where c.brake_plan is not null
      and exists (select 1 from counter where channel_id = c.id and held is not null));
update channel set brake_plan = null
where brake_plan is not null and not exists (select 1 from counter where channel_id = channel.id and held is not null);
`;
