import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { define, type Invocation } from '../../src/cli/command.ts';
import { allowsColor, Interruption } from '../../src/cli/io.ts';
import { consent, printable, printTable } from '../../src/cli/print.ts';
import { type Noun, run } from '../../src/cli/program.ts';
import { AppError, EXIT } from '../../src/errors.ts';
import { heard } from './io.ts';

interface Seen {
  args: readonly string[];
  options: Record<string, unknown>;
  json: boolean;
  color: boolean;
}

/** A noun `box` with the verb `move SKU N` that notes what reached it and then does what it is told. */
function boxNoun(act: () => number = () => EXIT.ok): {
  nouns: Noun[];
  seen: Seen[];
  loaded: string[];
} {
  const seen: Seen[] = [];
  const loaded: string[] = [];
  const perform = async ({ args, options, json, io }: Invocation<{ reason?: string }>) => {
    seen.push({ args, options: { ...options }, json, color: io.color });
    return act() === EXIT.partial ? EXIT.partial : EXIT.ok;
  };
  const box: Noun = {
    name: 'box',
    summary: 'move boxes',
    load: async () => {
      loaded.push('box');
      return {
        register: (command, cli) => {
          const manual = {
            examples: ['invsync box move MUG 4', 'invsync box move MUG -4 --json'],
            exits: [EXIT.ok, EXIT.usage],
            prints: 'data',
          } as const;
          const move = command.command('move <sku> <units>').option('--reason <text>', 'why');
          define(move, cli, manual, perform);
        },
      };
    },
  };
  const other: Noun = {
    name: 'other',
    summary: 'something else',
    load: async () => {
      loaded.push('other');
      return { register: () => undefined };
    },
  };
  return { nouns: [box, other], seen, loaded };
}

describe('the command line', () => {
  test('prints its version and loads no command for it', async () => {
    const { nouns, loaded } = boxNoun();
    const io = heard();
    expect(await run(['--version'], io, { nouns })).toBe(EXIT.ok);
    expect(io.out).toBe('9.8.7\n');
    expect(loaded).toEqual([]);
  });

  test('lists all nouns in its help and loads none of them', async () => {
    const { nouns, loaded } = boxNoun();
    const io = heard();
    expect(await run(['--help'], io, { nouns })).toBe(EXIT.ok);
    expect(io.out).toContain('box');
    expect(io.out).toContain('something else');
    expect(io.err).toBe('');
    expect(loaded).toEqual([]);
  });

  test('loads only the noun that was typed, wherever the shared options stand', async () => {
    const lines = [
      ['box', 'move', 'MUG', '4', '--config', 'other', '--json'],
      ['--config', 'other', '--json', 'box', 'move', 'MUG', '4'],
      ['box', '--json', '--config=other', 'move', 'MUG', '4'],
    ];
    for (const line of lines) {
      const { nouns, seen, loaded } = boxNoun();
      expect(await run(line, heard(), { nouns })).toBe(EXIT.ok);
      expect(loaded).toEqual(['box']);
      expect(seen).toEqual([expect.objectContaining({ args: ['MUG', '4'], json: true })]);
      expect(seen[0]?.options).toMatchObject({ config: 'other' });
    }
  });

  test('takes bare negative numbers as arguments', async () => {
    for (const units of ['-4', '-12', '+3']) {
      const { nouns, seen } = boxNoun();
      expect(await run(['box', 'move', 'MUG', units, '--reason', 'broken'], heard(), { nouns })).toBe(
        EXIT.ok,
      );
      expect(seen[0]).toMatchObject({ args: ['MUG', units], options: { reason: 'broken' } });
    }
  });

  test('shows two examples and the exit codes in the help of a command', async () => {
    const { nouns } = boxNoun();
    for (const line of [
      ['box', 'move', '--help'],
      ['help', 'box'],
    ]) {
      const io = heard();
      expect(await run(line, io, { nouns })).toBe(EXIT.ok);
      if (line[0] === 'help') expect(io.out).toContain('move');
      else
        expect(io.out).toMatch(
          /--json[\s\S]*invsync box move MUG -4 --json[\s\S]*2 {2}wrong usage or configuration/,
        );
    }
  });

  test.each([
    [['bocks'], "unknown command 'bocks'", ''],
    [['bo'], "unknown command 'bo'", 'Did you mean box?'],
    [['box', 'mve'], "unknown command 'mve'", 'Did you mean move?'],
    [['box', 'move', 'MUG'], "missing required argument 'units'", ''],
    [['box', 'move', 'MUG', '4', '5'], 'too many arguments', ''],
    [['box', 'move', 'MUG', '4', '--reasn', 'x'], "unknown option '--reasn'", 'Did you mean --reason?'],
    [['box', 'move', 'MUG', '4', '--config'], "option '--config <file>' argument missing", ''],
  ])('calls wrong usage by its name and exits 2: %s', async (line, message, hint) => {
    const { nouns, seen } = boxNoun();
    const plain = heard();
    expect(await run(line, plain, { nouns })).toBe(EXIT.usage);
    expect(plain.out).toBe('');
    expect(plain.err).toContain(`error: ${message}`);
    expect(plain.err).toContain(hint);

    const json = heard();
    expect(await run(['--json', ...line], json, { nouns })).toBe(EXIT.usage);
    expect(json.err).toBe('');
    expect(JSON.parse(json.out)).toEqual({
      error: { code: 'usage', message: expect.stringContaining(message), hint: hint || expect.any(String) },
    });
    expect(seen).toEqual([]);
  });

  test('shows the help on stderr when the command line ends too early', async () => {
    const { nouns } = boxNoun();
    for (const line of [[], ['box']]) {
      const plain = heard();
      expect(await run(line, plain, { nouns })).toBe(EXIT.usage);
      expect([plain.out, plain.err.startsWith('Usage: invsync')]).toEqual(['', true]);
      const json = heard();
      expect(await run([...line, '--json'], json, { nouns })).toBe(EXIT.usage);
      expect(JSON.parse(json.out).error).toMatchObject({ code: 'usage', message: 'a command is missing' });
      expect(json.err).toBe('');
    }
  });

  test('exits with what the command says', async () => {
    const { nouns } = boxNoun(() => EXIT.partial);
    expect(await run(['box', 'move', 'MUG', '4'], heard(), { nouns })).toBe(EXIT.partial);
  });

  test('turns colour off with --no-color', async () => {
    for (const [line, color] of [
      [['--no-color'], false],
      [[], true],
    ] as const) {
      const { nouns, seen } = boxNoun();
      await run(['box', 'move', 'MUG', '4', ...line], heard({ color: true }), { nouns });
      expect(seen[0]?.color).toBe(color);
    }
  });
});

describe('a failure', () => {
  const failing = (error: Error) =>
    boxNoun(() => {
      throw error;
    });
  const line = ['box', 'move', 'MUG', '4'];
  const brake = new AppError('brake', 'held back', {
    hint: 'look',
    exitCode: EXIT.brake,
    details: { plan_id: 'pl_1' },
  });

  test('goes to stderr with its hint and exits with its code', async () => {
    const io = heard();
    expect(await run(line, io, failing(brake))).toBe(EXIT.brake);
    expect([io.out, io.err]).toEqual(['', 'error: held back\nhint: look\n']);
  });

  test('with --json is one document on stdout and nothing else', async () => {
    const io = heard();
    expect(await run([...line, '--json'], io, failing(brake))).toBe(EXIT.brake);
    expect(io.err).toBe('');
    expect(JSON.parse(io.out)).toEqual({
      error: { code: 'brake', message: 'held back', hint: 'look', plan_id: 'pl_1' },
    });
  });

  test('that nobody expected exits 1 and keeps its stack for those who ask', async () => {
    const io = heard();
    expect(await run(line, io, failing(new TypeError('x is not y')))).toBe(EXIT.failed);
    expect(io.err).toContain('error: x is not y\n');
    expect(io.err).not.toContain('at ');
    const asked = heard({ env: { INVSYNC_DEBUG: '1' } });
    await run(line, asked, failing(new TypeError('x is not y')));
    expect(asked.err).toContain('program.test.ts');
  });

  test('by a signal exits with the code of the signal', async () => {
    expect(await run(line, heard(), failing(new Interruption('SIGINT')))).toBe(130);
    expect(await run(line, heard(), failing(new Interruption('SIGTERM')))).toBe(143);
  });
});

describe('consent', () => {
  const ask = (over: object) => ({
    yes: false,
    json: false,
    question: 'Apply?',
    plan: { lines: 2 },
    show: (io: { stdout(text: string): void }) => io.stdout('the plan\n'),
    ...over,
  });

  test('is given by --yes without a word', async () => {
    const io = heard();
    await consent(io, ask({ yes: true }));
    expect([io.out, io.err, io.asked]).toEqual(['', '', []]);
  });

  test('is asked for on a terminal, after the plan', async () => {
    const io = heard({ isTty: true });
    await consent(io, ask({}));
    expect([io.out, io.asked]).toEqual(['the plan\n', ['Apply?']]);
    const no = heard({ isTty: true, confirm: async () => false });
    await expect(consent(no, ask({}))).rejects.toMatchObject({ code: 'declined', exitCode: EXIT.failed });
  });

  test('cannot be had without a terminal: the plan is printed and the code is 2', async () => {
    const io = heard();
    await expect(consent(io, ask({}))).rejects.toMatchObject({ code: 'needs_yes', exitCode: EXIT.usage });
    expect([io.out, io.asked]).toEqual(['the plan\n', []]);
    const json = heard();
    await expect(consent(json, ask({ json: true }))).rejects.toMatchObject({
      details: { plan: { lines: 2 } },
    });
    expect(json.out).toBe('');
  });
});

describe('tables', () => {
  interface Row {
    sku: string;
    units: number | null;
  }
  const columns = [
    { title: 'sku', value: (row: Row) => row.sku },
    { title: 'units', value: (row: Row) => row.units },
    { title: 'note', value: () => 'x', style: () => 'bad' as const },
  ];

  test('stand aligned, numbers to the right, absent values as a dash', () => {
    const io = heard();
    printTable(io, columns, [
      { sku: 'MUG', units: 12 },
      { sku: 'TEA-09', units: null },
    ]);
    expect(io.out).toBe('SKU     UNITS  NOTE\nMUG        12  x\nTEA-09      -  x\n');
  });

  test('are coloured only where that is allowed', () => {
    const io = heard({ color: true });
    printTable(io, columns, [{ sku: 'MUG', units: 12 }]);
    expect(io.out).toContain('\u001b[31mx\u001b[39m');
  });

  test('let nothing from outside steer the terminal', () => {
    expect(printable('a\u001b[2Jb\u0007c\nd\u202ee')).toBe('a [2Jb c d e');
  });
});

describe('colour', () => {
  test.each([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [undefined, {}, false],
  ])('on a stream with isTTY %s and %o: %s', (isTTY, env, allowed) => {
    expect(allowsColor({ isTTY }, env)).toBe(allowed);
  });
});

describe.skipIf(!existsSync(new URL('../../dist/main.js', import.meta.url)))(
  'the process (needs dist: npm run build)',
  () => {
    const bin = fileURLToPath(new URL('../../bin/invsync.js', import.meta.url));
    const start = (...argv: string[]) => spawn(process.execPath, [bin, ...argv], { cwd: '/', env: {} });
    const ended = async (child: ReturnType<typeof start>) => {
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      child.stderr.on('data', (chunk) => {
        err += chunk;
      });
      const [code] = await once(child, 'close');
      return { code, out, err };
    };

    test('knows the version of the package from any folder', async () => {
      const packed = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
      expect(await ended(start('--version'))).toEqual({ code: 0, out: `${packed.version}\n`, err: '' });
    });

    test('exits 2 with one JSON document when there is no configuration', async () => {
      const { code, out, err } = await ended(start('config', 'show', '--json'));
      expect([code, err]).toEqual([2, '']);
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'config' } });
    });

    test('is quiet when the reader of its output has gone', async () => {
      const child = start('config', 'show', '--help');
      child.stdout.destroy();
      const { code, err } = await ended(child);
      expect([code, err]).toEqual([0, '']);
    });
  },
);
