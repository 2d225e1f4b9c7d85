import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { type BackupRow, listBackups } from '../../backup/folder.ts';
import { verifyBackup } from '../../backup/verify.ts';
import { iso, spanText } from '../../clock.ts';
import { AppError, countText, EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import type { Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

/** A backup, as every document shows it. */
export function backupJson(row: BackupRow, now: number) {
  const { manifest } = row;
  return {
    file: row.path,
    created_at: iso(row.createdAt),
    age_s: Math.max(0, Math.floor((now - row.createdAt) / 1_000)),
    size: row.size,
    invsync: manifest.invsync,
    schema: manifest.schema,
    ledger_entry: manifest.ledger_entry,
    last_entry_at: manifest.last_entry_at,
    counts: manifest.counts,
    masked: manifest.masked,
    verified_at: iso(row.verified?.at ?? null),
    sound: row.verified?.ok ?? null,
  };
}

/** `invsync backup list` */
export async function list(invocation: Invocation<object>): Promise<ExitCode> {
  const { backup } = (await invocation.soundConfig()).config;
  const now = invocation.io.now();
  const { backups, others } = listBackups(backup.dir);
  const warnings = others.map(({ why }) => why);
  const document = { dir: backup.dir, backups: backups.map((row) => backupJson(row, now)) };
  answer(invocation, document, warnings, (io) => {
    printTable(
      io,
      [
        { title: 'file', value: (row) => row.file },
        { title: 'age', value: (row) => spanText(now - row.createdAt) },
        { title: 'size', value: (row) => sizeText(row.size) },
        { title: 'skus', value: (row) => row.manifest.counts.skus },
        { title: 'entries', value: (row) => row.manifest.counts.entries },
        {
          title: 'verified',
          value: (row) => verifiedText(row, now),
          style: (row) => (row.verified?.ok === false ? 'bad' : undefined),
        },
      ],
      backups,
      `no backups in ${backup.dir}`,
    );
  });
  return EXIT.ok;
}

function verifiedText({ verified }: BackupRow, now: number): string {
  if (verified === null) return 'never here';
  return verified.ok ? `${spanText(now - verified.at)} ago` : 'DAMAGED';
}

/** `invsync backup verify FILE`: needs no configuration where the file is named by its path. */
export async function verify(invocation: Invocation<object>): Promise<ExitCode> {
  const path = await backupFile(invocation);
  const { manifest, faults } = await verifyBackup(path, invocation.io.now());
  const document = { file: path, ok: faults.length === 0, faults, manifest };
  answer(invocation, document, [], (io) => {
    for (const fault of faults) printLine(io, `fault: ${fault}`);
    const { counts } = manifest;
    const content = `${countText(counts.skus, 'SKU')} recomputed from ${countText(counts.entries, 'ledger entry', 'ledger entries')}`;
    printLine(
      io,
      faults.length === 0
        ? `${path} of ${manifest.created_at} is sound: ${content}`
        : `${path} cannot be restored: ${countText(faults.length, 'fault')}`,
    );
  });
  return faults.length === 0 ? EXIT.ok : EXIT.failed;
}

/** The file that is meant: by its path, or by its name among the backups. Throws AppError `no_file` (exit code 2). */
export async function backupFile(invocation: Invocation<object>): Promise<string> {
  const [named = ''] = invocation.args;
  const here = resolve(invocation.io.cwd, named);
  if (existsSync(here)) return here;
  const among = isAbsolute(named) ? null : join((await invocation.soundConfig()).config.backup.dir, named);
  if (among !== null && existsSync(among)) return among;
  throw new AppError('no_file', `there is no file ${here}`, {
    hint: 'invsync backup list shows the backups; name one of them, or the path of one that lies elsewhere',
    exitCode: EXIT.usage,
  });
}

export function sizeText(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
