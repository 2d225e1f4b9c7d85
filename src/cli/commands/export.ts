import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { type Cli, define, lazily } from '../command.ts';
import type { ExportKind, ExportOptions } from './export-rows.ts';

const kinds = {
  orders: 'print orders, a row per line of an order, newest first; --since: changed since then',
  ledger: 'print every entry of the ledger, oldest first; --since: recorded since then',
  stock: 'print the numbers of every SKU; --since: only those that moved since then',
} as const satisfies Record<ExportKind, string>;

/** `invsync export …`: everything that a merchant may want to take away, without buyers, which are not kept. */
export function register(command: Command, cli: Cli): void {
  for (const kind of Object.keys(kinds) as ExportKind[]) {
    define<ExportOptions>(
      command
        .command(kind)
        .description(kinds[kind])
        .option('--csv', 'for a spreadsheet: RFC 4180, UTF-8, what looks like a formula is made harmless')
        .option('--jsonl', 'for a program: one JSON object on each line, values as they are')
        .option('--since <time>', 'ISO 8601, or how long ago: 24h, 30d'),
      cli,
      {
        examples: [
          `invsync export ${kind} --csv > ${kind}.csv`,
          `invsync export ${kind} --jsonl --since 30d`,
        ],
        exits: [EXIT.ok, EXIT.failed, EXIT.usage],
        prints: 'talk',
      },
      lazily(async () => {
        const { exportRows } = await import('./export-rows.ts');
        return (invocation) => exportRows(invocation, kind);
      }),
    );
  }
}
