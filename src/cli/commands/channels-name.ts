import { channelName } from '../../config/schema.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { usage } from '../args.ts';
import { type Books, channelNamed, daemonRuns, withBooks } from '../books.ts';
import { consent, printLine } from '../print.ts';
import type { Invocation } from '../program.ts';

/** `channels rename`: the file has the new name already, or gets it next. */
export function rename(invocation: Invocation<object>): Promise<ExitCode> {
  const [from = '', to = ''] = invocation.args;
  if (!channelName.test(to))
    throw usage(`"${to}" is not a name for a channel`, '1 to 40 of a-z, 0-9 and -, not starting with -');
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, from);
    await books.store.channels.rename(row.name, to);
    const warnings = [...books.warnings];
    if (!(await books.namedInFile()).includes(to))
      warnings.push(`the configuration file does not know ${to} yet: rename it there too`);
    else await adopt(books, invocation.io.now());
    if (await daemonRuns(books.dataDir))
      warnings.push('a daemon runs: reload it with SIGHUP, so that it uses the new name');
    answer(invocation, { channel: to, renamed_from: from }, warnings, (io) =>
      printLine(io, `${from} is ${to} now`),
    );
    return EXIT.ok;
  });
}

/** The row under its new name is the configured channel from now on. */
async function adopt(books: Books, now: number): Promise<void> {
  const { setupOf } = await import('../../compose.ts');
  const { channels, textHash } = await books.config();
  await books.store.channels.configure(channels.map(setupOf), now, textHash);
}

/** `channels remove`: only what the file no longer names, else it would be back at once, empty. */
export function remove(invocation: Invocation<{ yes?: boolean }>): Promise<ExitCode> {
  const [named = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = channelNamed(books, named);
    if ((await books.namedInFile()).includes(row.name)) {
      throw new AppError('channel_configured', `channel "${row.name}" is still in the configuration file`, {
        hint: `take it out of the file first, or stop it with: invsync channels pause ${row.name}`,
        exitCode: EXIT.usage,
      });
    }
    await consent(invocation.io, {
      yes: invocation.options.yes === true,
      json: invocation.json,
      question: `Remove ${row.name}?`,
      plan: { channel: row.name, type: row.type },
      show: (io) =>
        printLine(io, `the listings and mappings of ${row.name} are forgotten; orders and ledger stay`),
    });
    await books.store.channels.remove(row.name);
    answer(invocation, { channel: row.name, removed: true }, books.warnings, (io) =>
      printLine(io, `${row.name} is removed`),
    );
    return EXIT.ok;
  });
}
