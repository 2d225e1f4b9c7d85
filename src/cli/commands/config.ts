import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import type { Problem } from '../../config/problem.ts';
import { AppError, countText, EXIT, type ExitCode } from '../../errors.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printJson, printLine, printTable, problemLines, sayTo } from '../print.ts';

/** `invsync config new|show|check`: all ask no channel; `show` looks into the books for what a command overruled. */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .command('new <type...>')
      .description('print a small configuration to start from, one channel of each type'),
    cli,
    {
      examples: ['invsync config new TYPE > config.yaml', 'invsync config new TYPE TYPE'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'talk',
    },
    starterOf,
  );
  define(
    command
      .command('show')
      .description('print the configuration in effect, secrets redacted, and what rules'),
    cli,
    {
      examples: ['invsync config show', 'invsync config show --json --config /etc/invsync/config.yaml'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    show,
  );
  define(
    command.command('check').description('name every problem of the file with its line and how to mend it'),
    cli,
    {
      examples: ['invsync config check', 'invsync config check --config staging.yaml --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    check,
  );
}

async function starterOf(invocation: Invocation<object>): Promise<ExitCode> {
  const { io, args } = invocation;
  const { channelTypes, definitions } = await import('../../channels/registry.ts');
  const { nearest } = await import('../../config/nearest.ts');
  const offered = channelTypes.filter((type) => type !== 'memory');
  for (const type of args) {
    if (offered.includes(type)) continue;
    const guess = nearest(type, offered);
    throw new AppError('unknown_type', `no type of channel is called "${type}"`, {
      hint: guess === null ? `one of ${offered.join(', ')}` : `did you mean ${guess}?`,
      exitCode: EXIT.usage,
    });
  }
  const built = await definitions(args);
  const { starter } = await import('../../config/starter.ts');
  const example = await readFile(new URL('../../../config.example.yaml', import.meta.url), 'utf8');
  const wanted = args.flatMap((type) => built.filter((definition) => definition.type === type));
  io.stdout(starter(wanted, example));
  return EXIT.ok;
}

async function show(invocation: Invocation<object>): Promise<ExitCode> {
  const { io } = invocation;
  const { config, warnings } = await invocation.loadConfig();
  const { redactedConfig, shownSettings } = await import('../../config/show.ts');
  const { modesByCommand } = await import('../overruled.ts');
  const modes = await modesByCommand(config);
  const ruled: Config = {
    ...config,
    channels: config.channels.map((channel) => ({
      ...channel,
      mode: modes.get(channel.name) ?? channel.mode,
    })),
  };
  const settings = shownSettings(ruled).map((setting) => {
    const name = /^channels\.([^.]+)\.mode$/.exec(setting.path)?.[1] ?? '';
    return { ...setting, rules: modes.has(name) ? 'command' : setting.rules };
  });
  if (invocation.json) {
    const rules = Object.fromEntries(settings.map((setting) => [setting.path, setting.rules]));
    printJson(io, { file: config.file, config: redactedConfig(ruled), rules, warnings });
    return EXIT.ok;
  }
  printLine(io, config.file);
  printTable(
    io,
    [
      { title: 'setting', value: (row) => row.path },
      {
        title: 'rules',
        value: (row) => row.rules,
        style: (row) => (row.rules === 'default' ? 'dim' : row.rules === 'command' ? 'warn' : undefined),
      },
      { title: 'value', value: (row) => valueText(row.value) },
    ],
    settings,
  );
  for (const line of problemLines(warnings)) sayTo(io, `warning:${line}`);
  return EXIT.ok;
}

function valueText(value: unknown): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

async function check(invocation: Invocation<object>): Promise<ExitCode> {
  const found = await inspect(invocation);
  const ok = found.problems.length === 0;
  const { io } = invocation;
  if (invocation.json) {
    printJson(io, { ok, ...found });
    return ok ? EXIT.ok : EXIT.usage;
  }
  printLine(
    io,
    ok ? `${found.file} is sound` : `${found.file} has ${countText(found.problems.length, 'problem')}`,
  );
  for (const line of problemLines(found.problems)) printLine(io, line);
  if (found.warnings.length > 0) printLine(io, `${found.warnings.length} warning(s)`);
  for (const line of problemLines(found.warnings)) printLine(io, line);
  return ok ? EXIT.ok : EXIT.usage;
}

/** Problems are the answer here, not a failure; a file that is not there at all still is one. */
async function inspect(
  invocation: Invocation<object>,
): Promise<{ file: string; problems: Problem[]; warnings: Problem[] }> {
  try {
    const { config, warnings } = await invocation.loadConfig();
    return { file: config.file, problems: [], warnings };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'config') throw error;
    const { file, problems, warnings } = error.details;
    if (!Array.isArray(problems) || !Array.isArray(warnings)) throw error;
    return { file: String(file), problems, warnings };
  }
}
