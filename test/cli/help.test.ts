import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { variables } from '../../src/cli/topics.ts';
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
  const nouns = heard();
  await run(['__complete', ''], nouns);
  for (const noun of nouns.out.match(/^[a-z]+/gm) ?? []) {
    expect(await helpOf()).toMatch(new RegExp(`^  ${noun} `, 'm'));
    const help = await helpOf(noun);
    const verbs = commandsIn(help);
    if (verbs.length === 0) helps.set(noun, help);
    for (const verb of verbs) helps.set(`${noun} ${verb}`, await helpOf(noun, verb));
  }
});

describe('help', () => {
  test('finds every command of the interface that is built', () => {
    const built = [
      ...[
        'check',
        'status',
        'health',
        'completion',
        'reconcile',
        'explain',
        'db check',
        'db migrate',
        'config show',
        'config check',
      ],
      ...['create', 'list', 'verify', 'restore'].map((verb) => `backup ${verb}`),
      ...['orders', 'ledger', 'stock'].map((verb) => `export ${verb}`),
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

  test('fits a screen of 80 by 50, groups commands by when one needs them, and says where to begin', async () => {
    const io = heard({ columns: 80 });
    await run(['--help'], io);
    const lines = io.out.split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(62);
    expect(io.out.indexOf('To begin:')).toBeLessThan(io.out.indexOf('Every day:'));
    expect(io.out).toContain('New here? invsync demo');
  });

  test('has pages on what all commands share', async () => {
    for (const [topic, word] of [
      ['environment', 'INVSYNC_CONFIG'],
      ['exit-codes', 'a brake or guard stopped a write'],
      ['formatting', 'ISO 8601'],
    ] as const) {
      const io = heard();
      expect(await run(['help', topic], io)).toBe(EXIT.ok);
      expect(io.out).toContain(word);
      expect(io.out.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test('names every variable that the program reads by its name', () => {
    const read = (folder: string): string =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.startsWith('sandbox') && !name.startsWith('bench'))
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('\n');
    const source = read(join(import.meta.dirname, '../../src'));
    const named = new Set([...source.matchAll(/\benv\['([A-Z_]+)'\]/g)].map((match) => match[1]));
    expect(named).toEqual(new Set(variables.map(([name]) => name)));
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
