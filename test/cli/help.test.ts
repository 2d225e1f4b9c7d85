import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { EXIT } from '../../src/errors.ts';
import { heard } from './io.ts';

/** The help of each command that does something, by what is typed for it. */
const helps = new Map<string, string>();

async function helpOf(...words: string[]): Promise<string> {
  const io = heard({ columns: 200 });
  expect(await run([...words, '--help'], io)).toBe(EXIT.ok);
  return io.out;
}

/** The words below `Commands:`. */
function commandsIn(help: string): string[] {
  const [, list = ''] = help.split('\nCommands:\n');
  const lines = (list.split('\n\n')[0] ?? '').split('\n');
  return lines.flatMap((line) => /^ {2}([a-z]+)/.exec(line)?.[1] ?? []).filter((word) => word !== 'help');
}

beforeAll(async () => {
  for (const noun of commandsIn(await helpOf())) {
    const help = await helpOf(noun);
    const verbs = commandsIn(help);
    if (verbs.length === 0) helps.set(noun, help);
    for (const verb of verbs) helps.set(`${noun} ${verb}`, await helpOf(noun, verb));
  }
});

describe('help', () => {
  test('finds every command of the interface that is built', () => {
    const built = [
      ...['check', 'status', 'reconcile', 'explain', 'db check', 'db migrate', 'config show', 'config check'],
      ...['list', 'show', 'types', 'pause', 'resume', 'rename', 'remove', 'mode'].map(
        (verb) => `channels ${verb}`,
      ),
      ...['list', 'register', 'remove'].map((verb) => `webhooks ${verb}`),
      ...['list', 'import', 'match', 'map', 'unmap', 'unmatched', 'set', 'dismiss'].map(
        (verb) => `listings ${verb}`,
      ),
      ...['list', 'show', 'set', 'adjust', 'count', 'receive', 'import', 'export', 'rename'].map(
        (verb) => `stock ${verb}`,
      ),
      ...['orders list', 'orders show', 'oversells list', 'oversells resolve'],
      ...['reservations list', 'reservations release'],
      ...['events list', 'events show', 'events replay', 'events dismiss', 'pushes list', 'pushes retry'],
    ];
    for (const command of built) expect([...helps.keys()]).toContain(command);
  });

  test('has two examples and the exit codes everywhere', () => {
    for (const [command, help] of helps) {
      const examples = help.split('\nExamples:\n')[1]?.split('\n\n')[0]?.split('\n') ?? [];
      expect([command, examples.length]).toEqual([command, 2]);
      for (const example of examples) expect(example.trim().startsWith(`invsync ${command}`)).toBe(true);
      expect(help).toMatch(/\nExit codes:\n {2}0 {2}done, or nothing to do/);
    }
  });

  test('shows no example with an option that the command does not have', () => {
    for (const [command, help] of helps) {
      const [options = '', rest = ''] = help.split('\nExamples:\n');
      for (const option of rest.split('\nExit codes:')[0]?.match(/--[a-z-]+/g) ?? []) {
        expect([command, option, options.includes(option)]).toEqual([command, option, true]);
      }
    }
  });

  test('of everything by which a person changes something has --reason and --by', () => {
    const changes = [
      ...['set', 'adjust', 'receive', 'count', 'import', 'rename'].map((verb) => `stock ${verb}`),
      ...['map', 'unmap', 'set', 'match'].map((verb) => `listings ${verb}`),
      ...['mode', 'pause', 'resume'].map((verb) => `channels ${verb}`),
      ...['oversells resolve', 'reservations release', 'channels remove'],
    ];
    for (const command of changes) expect(helps.get(command)).toMatch(/--reason <text>[\s\S]*--by <name>/);
  });
});
