import type { Millis } from '../clock.ts';

/** The outside world as commands see it; `main.ts` builds the real one, tests their own. */
export interface Io {
  /** The answer, and nothing else. */
  stdout(text: string): void;
  /**
   * Resolves when what was written to stdout has left: for whoever prints more than fits into memory. False when the
   * reader has gone away, and nothing more is wanted. Rejects with AppError `output` when it could not be written.
   */
  stdoutTaken(): Promise<boolean>;
  /** The talk: progress, warnings, errors, questions. */
  stderr(text: string): void;
  /** A person sits there: stdin and stdout are both terminals. Never ask, never animate without. */
  isTty: boolean;
  /** stderr is a terminal: a log there is read by a person. */
  logTty: boolean;
  /** Colour is allowed on stdout. */
  color: boolean;
  /** Tables are asked for in full, however narrow the terminal is. */
  wide: boolean;
  /** Width of the terminal in columns; 80 without one. */
  columns: number;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** Of this program, as in package.json. */
  version: string;
  now(): Millis;
  /** Asks on the terminal; true only after a clear yes. Never call it when `isTty` is false. */
  confirm(question: string): Promise<boolean>;
  /** All of stdin as text, for `import -`. */
  readStdin(): Promise<string>;
  /**
   * Aborted by SIGINT or SIGTERM, with an `Interruption` as its reason. Asking for it is a promise to stop by
   * oneself; a command that never asks is ended by the signal at once. A second signal ends either.
   */
  interruption(): AbortSignal;
  /** Calls back on each SIGHUP from now on. */
  onHangup(listener: () => void): void;
}

/** Why `Io.interruption()` was aborted. Throw it (`signal.throwIfAborted()`) to exit with its code. */
export class Interruption extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal === 'SIGINT' ? 'interrupted' : 'terminated');
    this.name = 'Interruption';
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** May colour be used on a stream? Not for pipes and files, dumb terminals, or when NO_COLOR is set (no-color.org). */
export function allowsColor(stream: { isTTY?: boolean | undefined }, env: Io['env']): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
