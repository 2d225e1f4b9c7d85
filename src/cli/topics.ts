import { EXIT } from '../errors.ts';
import { meanings } from './command.ts';

/** What a script does about an exit code. */
const advice: Readonly<Record<keyof typeof meanings, string>> = {
  [EXIT.ok]: 'go on',
  [EXIT.failed]: 'read the message',
  [EXIT.usage]: 'mend the command or the file',
  [EXIT.partial]: 'look at what the answer says of each item',
  [EXIT.brake]: 'a person looks at the plan that was saved',
  [EXIT.temporary]: 'repeat it later',
  [EXIT.refused]: 'renew them; invsync check tells which',
  [EXIT.daemon]: 'invsync health and invsync status say which',
  [EXIT.drift]: 'look at what it printed',
};

/** What invsync reads of its environment, each with what it does. */
export const variables: readonly (readonly [name: string, text: string])[] = [
  ['INVSYNC_CONFIG', 'the configuration file, where --config names none'],
  ['INVSYNC_DEBUG', '1: a fault of invsync shows where in the program it is'],
  ['NO_COLOR', 'anything: print without colour, as --no-color does'],
  ['TERM', 'dumb: the same'],
  ['NOTIFY_SOCKET', 'set by systemd (Type=notify): serve says when it is ready'],
  ['WATCHDOG_USEC', 'set by systemd (WatchdogSec=): serve says that it lives'],
];

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: that is how the configuration writes them
const topics: Readonly<Record<string, () => string[]>> = {
  environment: () => [
    'Environment variables that invsync reads:',
    '',
    ...variables.map(([name, text]) => `  ${name.padEnd(16)} ${text}`),
    '',
    'Secrets: wherever the configuration says ${NAME}, the variable NAME is read, and',
    '${file:/run/secrets/name} reads a file. Commands that talk to no channel need',
    'none of them. invsync config show prints the names, never the values.',
  ],
  'exit-codes': () => [
    'Exit codes, the same for every command (its --help lists those that it uses):',
    '',
    ...Object.entries(meanings).flatMap(([code, meaning]) => [
      `  ${code.padStart(3)}  ${meaning}`,
      `       ${advice[Number(code) as keyof typeof meanings]}`,
    ]),
    '  130, 143  interrupted (Ctrl-C), terminated',
    '',
    'Any other code means failure.',
  ],
  formatting: () => [
    'How invsync prints:',
    '',
    '  stdout is the answer, stderr the talk: a pipe gets data and nothing else.',
    '  --json prints one document, times in ISO 8601 UTC, warnings in "warnings".',
    '         docs/json-output.md names every key; keys are only ever added.',
    '  --wide prints every column in full. Without it a table on a terminal fits:',
    '         times are told as "3m ago", long texts are cut, and columns that matter',
    '         least are left out, which a line below the table says.',
    '  Off a terminal there is no colour, no question and no progress, and a table',
    '         is as with --wide.',
    '',
    'What you type:',
    '',
    '  TIME   2026-11-23T09:30:00Z, 2026-11-23, or how long ago: 90m, 24h, 7d.',
    '         UTC unless it says otherwise.',
    '  SKU    exact in case and blanks; one that only looks like a known one is',
    '         never made by itself.',
    '  -4     bare negative numbers are arguments: invsync stock adjust MUG -4',
  ],
};

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: that is how the configuration writes them

/** The page of a topic; null: there is none of this name. */
export function topicText(name: string): string | null {
  const topic = topics[name];
  return topic === undefined ? null : `${topic().join('\n')}\n`;
}

/** What `help` knows besides commands. */
export const topicNames = Object.keys(topics);
