import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

/** `invsync db …`: the file that everything is in. */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .command('check')
      .description('read the whole database, and add every ledger up against its level'),
    cli,
    {
      examples: ['invsync db check', 'invsync db check --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    check,
  );
  define(
    command
      .command('migrate')
      .description('bring the database to the schema of this version, after a copy; serve does it by itself'),
    cli,
    {
      examples: ['invsync db migrate', 'invsync db migrate --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    migrate,
  );
}

function check(invocation: Invocation<object>): Promise<ExitCode> {
  return withBooks(invocation, async (books) => {
    const checks = await books.store.duties.check(true);
    const audit = await books.store.reports.audit();
    const ok = checks.every((item) => item.level !== 'fail');
    const document = { ok, checks, skus: audit.skus, entries: audit.entries, open: audit.open };
    answer(invocation, document, books.warnings, (io) => {
      printTable(
        io,
        [
          { title: '', value: (row) => row.level, style: (row) => (row.level === 'ok' ? 'good' : 'bad') },
          { title: 'check', value: (row) => row.name },
          { title: 'found', room: 40, value: (row) => row.detail },
          { title: 'remedy', room: 24, worth: 4, value: (row) => row.remedy },
        ],
        checks,
      );
      printTable(
        io,
        [
          { title: 'sku', value: (row) => row.sku },
          { title: 'ledger', value: (row) => row.ledger },
          { title: 'level', value: (row) => row.level },
          { title: 'lines', value: (row) => row.lines },
        ],
        audit.open,
      );
    });
    return ok ? EXIT.ok : EXIT.failed;
  });
}

/** Opening the books brings them up to date; what is left is to say what happened. */
async function migrate(invocation: Invocation<object>): Promise<ExitCode> {
  const { dataDir } = await invocation.booksConfig();
  const database = join(dataDir, 'invsync.db');
  const created = !existsSync(database);
  const before = copiesIn(dataDir);
  return withBooks(invocation, async (books) => {
    const copies = copiesIn(dataDir).filter((file) => !before.includes(file));
    const document = { database, created, migrated: copies.length > 0, copies };
    answer(invocation, document, books.warnings, (io) => {
      if (created) printLine(io, `${database} is made`);
      else
        printLine(io, copies.length > 0 ? `${database} is brought up to date` : `${database} is up to date`);
      for (const copy of copies) printLine(io, `a copy from before is ${join(dataDir, copy)}`);
    });
    return EXIT.ok;
  });
}

function copiesIn(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder).filter((file) => /^invsync\.db\.schema-\d+\.bak$/.test(file))
    : [];
}
