import type { Command } from 'commander';
import type { Io } from './io.ts';
import { printJson, sayTo } from './print.ts';

/** Any answer of a command as `--json` prints it, less its warnings. */
export type Document = Readonly<Record<string, unknown>>;

/** Prints the answer: one document with `warnings` at its end, or what `show` prints with the warnings on stderr. */
export function answer(
  to: { io: Io; json: boolean },
  document: Document,
  warnings: readonly string[],
  show: (io: Io) => void,
): void {
  if (to.json) {
    printJson(to.io, { ...document, warnings });
    return;
  }
  show(to.io);
  warn(to.io, warnings);
}

/** Warnings as people read them. */
export function warn(io: Io, warnings: readonly string[]): void {
  for (const warning of warnings) sayTo(io, `warning: ${warning}`);
}

/** Options of every list that is newest first. */
export interface ListOptions {
  limit?: string;
  before?: string;
}

/** Adds `--limit` and `--before`. */
export function withPaging(command: Command): Command {
  return command
    .option('--limit <n>', 'at most so many rows (default: 100)')
    .option('--before <id>', 'only rows older than the one with this id');
}

/** The line below a list that says how to go on. */
export function moreHint(io: Io, rows: number, limit: number, next: string): void {
  if (rows >= limit) io.stderr(`more may follow: ${next}\n`);
}
