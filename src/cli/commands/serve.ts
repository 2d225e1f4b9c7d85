import type { Command } from 'commander';
import { AppError, EXIT, type ExitCode, messageOf } from '../../errors.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { problemLines } from '../print.ts';

interface ServeOptions {
  logLevel: string;
}

/** `invsync serve`: the daemon, until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
export function register(command: Command, cli: Cli): void {
  command.option('--log-level <level>', 'debug, info, warn or error', 'info');
  define<ServeOptions>(
    command,
    cli,
    {
      examples: ['invsync serve', 'invsync serve --config /etc/invsync/config.yaml --log-level warn'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.temporary, EXIT.daemon],
      prints: 'talk',
    },
    serve,
  );
}

async function serve(invocation: Invocation<ServeOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  if (!['debug', 'info', 'warn', 'error'].includes(options.logLevel)) {
    throw new AppError('usage', `--log-level ${options.logLevel} is not a level`, {
      hint: 'use debug, info, warn or error',
      exitCode: EXIT.usage,
    });
  }
  const ended = io.interruption();
  const { config, warnings } = await invocation.loadConfig();
  const { createLog } = await import('../../log.ts');
  const { startDaemon } = await import('../../daemon.ts');
  const log = createLog(options.logLevel);
  // From here on stderr is the log: every line of it is JSON.
  for (const line of problemLines(warnings)) log.warn({}, line.trim());
  const daemon = await startDaemon(config, io.version, log);
  let reloading: Promise<void> = Promise.resolve();
  const reload = async () => {
    try {
      const next = await invocation.loadConfig();
      const notes = await daemon.reload(next.config);
      log.info({ notes }, 'configuration read again');
    } catch (error) {
      const problems = error instanceof AppError ? error.details['problems'] : undefined;
      log.error({ error: messageOf(error), problems }, 'the new configuration is refused, the old one stays');
    }
  };
  io.onHangup(() => {
    reloading = reloading.then(reload);
  });
  const asked = new Promise<null>((resolve) => {
    if (ended.aborted) return resolve(null);
    ended.addEventListener('abort', () => resolve(null), { once: true });
  });
  const lost = await Promise.race([asked, daemon.lost]);
  // Nothing is left that could be drained: who supervises the process starts it again.
  if (lost !== null) throw lost;
  await reloading;
  await daemon.stop();
  return EXIT.ok;
}
