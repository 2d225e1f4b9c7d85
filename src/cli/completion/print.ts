import type { Command } from 'commander';
import { type Cli, filesOf } from '../command.ts';
import { printable } from '../print.ts';
import { type Candidates, candidatesFor } from './candidates.ts';

/** Prints each candidate with what it means, parted by a tab, or `:files`. The last of `words` is at the cursor. */
export async function printCandidates(program: Command, words: readonly string[], cli: Cli): Promise<void> {
  const start = words.at(-1) ?? '';
  const found = candidatesFor(program, words);
  const named = words.indexOf('--config');
  const wanted = named >= 0 && named < words.length - 2 ? words[named + 1] : undefined;
  const live = await valuesAt(found, start, { cli, wanted });
  for (const { word, help } of [...found.words, ...live.map((value) => ({ word: value, help: '' }))])
    if (word.startsWith(start)) cli.io.stdout(`${printable(word)}\t${printable(help)}\n`);
  if (found.live === 'files') cli.io.stdout(':files\n');
}

async function valuesAt(
  { live, args }: Candidates,
  start: string,
  { cli, wanted }: { cli: Cli; wanted: string | undefined },
): Promise<string[]> {
  if (live === null || live === 'files') return [];
  const { liveValues } = await import('./live.ts');
  // Without a configuration there is nothing to offer, and nobody to tell.
  return liveValues(live, start, { ...filesOf(cli, wanted), args }).catch(() => []);
}
