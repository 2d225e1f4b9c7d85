import type { Actor, DeedRow } from '../store.ts';
import type { Db } from './open.ts';

/** Keeps what a person changed besides stock: who, when, why. Kept for ever, like the ledger. */
export function noteDeed(
  db: Db,
  actor: Actor,
  deed: { verb: string; subject: string; detail: string },
  now: number,
): void {
  db.sql('insert into deed (at, by, reason, verb, subject, detail) values (?, ?, ?, ?, ?, ?)').run(
    now,
    actor.by,
    actor.reason,
    deed.verb,
    deed.subject,
    deed.detail,
  );
}

/** What a listing's deeds are kept under. */
export function listingSubject(db: Db, listingRowId: number): string {
  const row = db
    .sql(
      'select c.name as channel, l.listing_id as listing from listing l join channel c on c.id = l.channel_id where l.id = ?',
    )
    .get(listingRowId) as { channel: string; listing: string } | undefined;
  return row === undefined ? `listing ${listingRowId}` : `${row.channel} ${row.listing}`;
}

/** Newest first; of one subject, or of all. */
export function listDeeds(db: Db, subjects: string[] | null, limit: number): DeedRow[] {
  return db
    .sql(
      `select at, by, reason, verb, subject, detail
       from deed
       where @subjects is null or subject in (select value from json_each(@subjects))
       order by id desc
       limit @limit`,
    )
    .all({ subjects: subjects === null ? null : JSON.stringify(subjects), limit }) as DeedRow[];
}
