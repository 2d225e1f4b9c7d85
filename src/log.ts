import { pino } from 'pino';

/** What a component may say. Never pass a body, a signature, a header or a secret. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  child(bindings: Record<string, unknown>): Log;
}

const secretPaths = [
  'access_token',
  'client_secret',
  'consumer_secret',
  'consumer_key',
  'webhook_secret',
  'token',
  'authorization',
  'headers',
  'body',
].flatMap((key) => [key, `*.${key}`]);

const toStderr = (line: string) => process.stderr.write(line);

/** JSON lines to stderr, by the stream that outlives a terminal which goes away; stdout belongs to answers. */
export function createLog(level: string, write: (line: string) => unknown = toStderr): Log {
  return pino(
    {
      level,
      redact: { paths: secretPaths, censor: '[redacted]' },
      base: null,
      // Levels as words and times as ISO 8601, for people and for what collects the lines.
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
}

/** Says nothing; for tests and short commands. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
