import type { Io } from '../../src/cli/io.ts';

/** An `Io` that keeps what was written. */
export interface HeardIo extends Io {
  out: string;
  err: string;
  /** Questions asked, in order. */
  asked: string[];
}

/** No terminal, no colour, empty environment; answers yes to every question. */
export function heard(over: Partial<Io> = {}): HeardIo {
  const io: HeardIo = {
    out: '',
    err: '',
    asked: [],
    stdout: (text) => {
      io.out += text;
    },
    stderr: (text) => {
      io.err += text;
    },
    stdoutTaken: async () => true,
    isTty: false,
    logTty: false,
    wide: false,
    color: false,
    columns: 100,
    env: {},
    cwd: '/nowhere',
    version: '9.8.7',
    now: () => Date.UTC(2026, 10, 23),
    confirm: async (question) => {
      io.asked.push(question);
      return true;
    },
    readStdin: async () => '',
    interruption: () => new AbortController().signal,
    onHangup: () => undefined,
    ...over,
  };
  return io;
}
