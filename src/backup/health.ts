import type { CheckItem } from '../channels/channel.ts';
import { iso, spanText } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { nextRun } from '../sync/duties/schedule.ts';
import { listBackups } from './folder.ts';

const make = 'make one: invsync backup create';

/** What `check` says of the backups that lie in their folder. */
export function backupCheck(config: Config, now: number): CheckItem {
  const { schedule: expression, dir } = config.backup;
  const { timezone } = config.reconcile;
  const [newest] = listBackups(dir).backups;
  const next = expression === null ? null : nextRun({ expression, timezone }, now);
  if (newest === undefined) {
    if (next === null) return item('warn', 'there is none, and backup.schedule is off', make);
    return item('ok', `none yet in ${dir}; the next one is due at ${iso(next)}`, '');
  }
  const detail = `the last one in ${dir} is ${spanText(now - newest.createdAt)} old`;
  if (newest.verified?.ok === false) return item('warn', `${detail} and damaged`, make);
  if (expression === null) return item('ok', `${detail}; backup.schedule is off`, '');
  const when = { expression, timezone };
  const late = now > nextRun(when, nextRun(when, newest.createdAt));
  return late
    ? item('warn', detail, `see: invsync alerts list --kind backup_overdue, then ${make}`)
    : item('ok', detail, '');
}

function item(level: CheckItem['level'], detail: string, remedy: string): CheckItem {
  return { name: 'backup', level, detail, remedy };
}
