import type { Command } from 'commander';
import { z } from 'zod';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { adminUrl } from '../daemon-report.ts';
import { printLine } from '../print.ts';

/** `invsync health`: does the daemon live? */
export function register(command: Command, cli: Cli): void {
  define(
    command,
    cli,
    {
      examples: ['invsync health', 'invsync health --config /etc/invsync/config.yaml'],
      exits: [EXIT.ok, EXIT.usage, EXIT.daemon],
      prints: 'data',
    },
    health,
  );
}

const patienceMs = 3_000;
const told = z.object({ status: z.string(), reason: z.string().optional() });

/** Asks over the admin listener, as a supervisor would: needs no secret and touches no book. */
async function health(invocation: Invocation<object>): Promise<ExitCode> {
  const { listen } = (await invocation.soundConfig()).config.admin;
  if (listen.port === 0)
    throw new AppError('config', 'admin.listen has no port that could be asked', {
      hint: 'give it one, as in admin: { listen: 127.0.0.1:8788 }',
      exitCode: EXIT.usage,
    });
  const url = `${adminUrl(listen)}/healthz`;
  const { status, reason } = await ask(url);
  if (status !== 'ok') throw unwell(`the daemon at ${url} is ${status}: ${reason ?? 'it says no more'}`);
  answer(invocation, { status, url }, [], (io) => printLine(io, `ok, the daemon answers at ${url}`));
  return EXIT.ok;
}

async function ask(url: string): Promise<z.infer<typeof told>> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs), redirect: 'error' });
    return told.parse(await response.json());
  } catch {
    throw unwell(`no daemon answers at ${url}`);
  }
}

function unwell(message: string): AppError {
  const hint = 'start it with invsync serve; its log says what happened (journalctl -u invsync)';
  return new AppError('no_daemon', message, { hint, exitCode: EXIT.daemon });
}
