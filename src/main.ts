import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { allowsColor, Interruption, type Io } from './cli/io.ts';
import { AppError } from './errors.ts';

/**
 * The process edge: argv, environment, streams and signals in, exit code out. The only file that ends the process.
 */

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const stopping = new AbortController();
let stopsByItself = false;
const beganOnTerminal = isatty(0);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const reason = new Interruption(signal);
    if (!stopsByItself || stopping.signal.aborted) process.exit(reason.exitCode);
    stopping.abort(reason);
  });
}

const stdout = outlet(process.stdout);
const io: Io = {
  stdout: stdout.write,
  stdoutTaken: stdout.taken,
  stderr: outlet(process.stderr).write,
  isTty: process.stdin.isTTY === true && process.stdout.isTTY === true,
  wide: false,
  logTty: process.stderr.isTTY === true,
  color: allowsColor(process.stdout, process.env),
  columns: process.stdout.columns || 80,
  env: process.env,
  cwd: process.cwd(),
  version,
  now: () => Date.now(),
  confirm: ask,
  readStdin,
  interruption: () => {
    stopsByItself = true;
    return stopping.signal;
  },
  onHangup: (listener) =>
    process.on('SIGHUP', () => {
      // A terminal that was closed ends what was started on it; a signal by hand comes while the terminal is there.
      if (beganOnTerminal && !isatty(0)) process.emit('SIGTERM');
      else listener();
    }),
};

const argv = process.argv.slice(2);
const code = isVersion(argv) ? sayVersion() : await (await import('./cli/program.ts')).run(argv, io);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);

/** Scripts ask for it often: nothing is loaded for it. */
function isVersion(words: readonly string[]): boolean {
  return words.length === 1 && (words[0] === '--version' || words[0] === '-V');
}

function sayVersion(): number {
  io.stdout(`${version}\n`);
  return 0;
}

/**
 * Writes until the reader goes away (`invsync … | head`, a terminal that is closed): from then on the output is
 * dropped, and the command ends as it would have; who asks whether it was taken is told. A full disk under a log file loses lines, never the daemon.
 */
function outlet(stream: NodeJS.WriteStream): { write(text: string): void; taken(): Promise<boolean> } {
  let open = true;
  let full = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOSPC') full = true;
    else if (error.code !== 'EAGAIN') open = false;
  });
  return {
    write: (text) => {
      if (open) stream.write(text);
    },
    taken: async () => {
      await flushed(stream);
      if (full)
        throw new AppError('output', 'the output is cut short: no space is left where it is written to', {
          hint: 'free space there, then repeat the command',
        });
      return open;
    },
  };
}

/** Resolves when all that was written has left; pipes are asynchronous on some systems. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) return resolve();
    stream.once('close', resolve);
    stream.write('', () => resolve());
  });
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

async function ask(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Readline swallows Ctrl-C on a terminal.
  terminal.on('SIGINT', () => process.emit('SIGINT'));
  try {
    const answer = await Promise.race([
      terminal.question(`${question} [y/N] `),
      // Ctrl-D is a no.
      new Promise<string>((resolve) => terminal.once('close', () => resolve(''))),
    ]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
