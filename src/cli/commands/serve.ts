import { type Command, Option } from 'commander';
import { systemClock } from '../../clock.ts';
import { AppError, EXIT, type ExitCode, messageOf } from '../../errors.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { CalmLog } from '../log-calm.ts';
import { problemLines } from '../print.ts';

interface ServeOptions {
  logLevel: string;
  logFormat?: string;
}

const levels = ['debug', 'info', 'warn', 'error'];
const formats = ['pretty', 'json'];

/** `invsync serve`: the daemon, until SIGTERM or SIGINT; SIGHUP reads the configuration again. */
export function register(command: Command, cli: Cli): void {
  command
    .addOption(new Option('--log-level <level>', 'how much to tell').choices(levels).default('info'))
    .addOption(
      new Option('--log-format <format>', 'default: pretty on a terminal, else json').choices(formats),
    );
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
  const { io } = invocation;
  const ended = io.interruption();
  const { config, warnings } = await invocation.loadConfig();
  const { startDaemon } = await import('../../daemon.ts');
  // From here on stderr is the log.
  const log = await logFor(invocation);
  const [first] = problemLines(warnings);
  if (first !== undefined)
    log.warn(
      { warnings: warnings.length },
      `the configuration works but could be better, see invsync config check: ${first.trim()}`,
    );
  const { supervised } = await import('../notify.ts');
  const starting = startDaemon(config, io.version, log);
  let reloading: Promise<void> = Promise.resolve();
  const reload = async () => {
    try {
      const next = await invocation.loadConfig();
      const notes = await (await starting).reload(next.config);
      log.atOnce.info({ notes }, 'configuration read again');
    } catch (error) {
      const problems = error instanceof AppError ? error.details['problems'] : undefined;
      const told = { error: messageOf(error), problems };
      log.atOnce.error(told, 'the new configuration is refused, the old one stays');
    }
  };
  // Whoever sees that it is ready may ask at once: before somebody listens, the signal would end the process.
  io.onHangup(() => {
    reloading = reloading.then(reload);
  });
  const daemon = await starting;
  let gone = false;
  const manager = supervised(io.env, { log, broken: () => gone });
  manager.ready();
  const asked = new Promise<null>((resolve) => {
    if (ended.aborted) return resolve(null);
    ended.addEventListener('abort', () => resolve(null), { once: true });
  });
  const lost = await Promise.race([asked, daemon.lost]);
  // Nothing is left that could be drained: who supervises the process starts it again.
  if (lost !== null) {
    gone = true;
    throw lost;
  }
  manager.stopping();
  await reloading;
  await daemon.stop();
  log.flush();
  return EXIT.ok;
}

/** Nothing repeats for ever in it. Pretty lines for a person, JSON for what collects them. */
async function logFor({ io, options }: Invocation<ServeOptions>): Promise<CalmLog> {
  const { createLog } = await import('../../log.ts');
  const { calmLog } = await import('../log-calm.ts');
  const { prettyLine } = await import('../log-pretty.ts');
  const pretty = (options.logFormat ?? (io.logTty ? 'pretty' : 'json')) === 'pretty';
  const colours = { color: io.color && io.logTty };
  const write = pretty ? (line: string) => io.stderr(prettyLine(line, colours)) : io.stderr;
  return calmLog(createLog(options.logLevel, write), systemClock);
}
