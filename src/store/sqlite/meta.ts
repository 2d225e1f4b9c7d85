import type { Db } from './open.ts';

/** What the books know of themselves, by key; null: nothing is noted. */
export function metaOf(db: Db, key: string): string | null {
  const row = db.sql('select value from meta where key = ?').get(key) as { value: string } | undefined;
  return row?.value ?? null;
}

export function setMeta(db: Db, key: string, value: string): void {
  db.sql(
    'insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
  ).run(key, value);
}
