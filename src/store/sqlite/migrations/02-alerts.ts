/** An alert that a person has seen keeps quiet until its cause ends. Kinds got one name each (`alertLevels`). */
export const alerts = `
alter table alert add column acked_at integer;
update alert set resolved_at = last_at where resolved_at is null;
`;
