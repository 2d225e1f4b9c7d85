/** Exit codes of the command line, as docs/operations.md lists them. Unknown codes mean failure. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  brake: 4,
  temporary: 5,
  refused: 6,
  daemon: 7,
  drift: 8,
} as const;

/** One of the documented exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * Something that the user must mend. `message` says what is wrong and where, `hint` names the next command
 * or the edit that mends it. Never carries a secret, a raw body or buyer data.
 */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly exitCode: ExitCode;
  /** Further facts for `--json`, merged into the `error` object. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; exitCode?: ExitCode; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint ?? '';
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.details = options.details ?? {};
  }
}

/** The message of anything that was thrown. What another thread threw arrives as a plain object. */
export function messageOf(error: unknown): string {
  const told = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof told === 'object' ? JSON.stringify(told) : String(told);
}

/** `1 row`, `2 rows` in sentences for people; `many` where an s alone does not make the plural. */
export function countText(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
