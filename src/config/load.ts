import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { ChannelDefinition } from '../channels/channel.ts';
import { AppError, EXIT } from '../errors.ts';
import { readAlerts } from './alerts.ts';
import { hashOfText, readText } from './books-config.ts';
import { readChannels, sharedKeys } from './channels.ts';
import type { Config, LoadedConfig } from './config.ts';
import { problemsOf, unknownKeys } from './issues.ts';
import { isSecretKey, type KeyInfo, keysOf } from './keys.ts';
import { isTable, parseLeniently } from './lenient.ts';
import { type Path, type Problem, sorted, withoutSecrets } from './problem.ts';
import type { Env } from './references.ts';
import { checkAdmin, checkListeners, checkRetention, warnOfClearText } from './rules.ts';
import { type FileSettings, fileSchema, sections } from './schema.ts';
import { readSource, type Source } from './source.ts';
import { isLoopback } from './text.ts';

/** What is known while a file is read; `secretKeys` are the keys of all types, to keep their values out of messages. */
interface Found {
  source: Source;
  secretKeys: readonly KeyInfo[];
  problems: Problem[];
  warnings: Problem[];
}

/**
 * Reads, expands and checks the file. Throws AppError `config` (exit code 2) with every problem in
 * `details.problems`, and as far as known then the warnings in `details.warnings`; no message carries a secret.
 */
export function loadConfig(file: string, env: Env, definitions: readonly ChannelDefinition[]): LoadedConfig {
  const path = resolve(file);
  return parseConfig(readText(path), { file: path, env, definitions });
}

interface ParseOptions {
  /** Names the text in messages; its folder is where paths start. */
  file: string;
  env: Env;
  definitions: readonly ChannelDefinition[];
}

/** `loadConfig` for text that is at hand. */
export function parseConfig(text: string, from: ParseOptions): LoadedConfig {
  const { config, refused, warnings } = parseSound(text, from);
  if (refused !== null) throw refused;
  return { config, warnings };
}

/** What is sound of a file, for commands that work on the books alone. */
export interface SoundConfig extends LoadedConfig {
  /** Names under `channels:`, those of unsound channels too; `config.channels` are the sound ones. */
  named: string[];
  /** What `parseConfig` throws. A secret that is not at hand makes no channel unsound: it keeps its `${NAME}`. */
  refused: AppError | null;
  /** A line is wrong, not only a secret absent. */
  faulty: boolean;
}

/** Takes of a file what is sound. Throws AppError `config` only where it is no sound YAML. */
export function parseSound(text: string, from: ParseOptions): SoundConfig {
  const folder = dirname(from.file);
  const source = readSource(text, { env: from.env, folder });
  const secretKeys = from.definitions.flatMap((definition) => keysOf(definition.config));
  const found: Found = { source, secretKeys, problems: source.problems, warnings: [] };
  if (!source.readable) throw refusal(from.file, found);

  const settings = readSettings(source, found);
  const { channels, known } = readChannels({ ...found, definitions: from.definitions, settings });
  const alerts = readAlerts(found);
  checkAdmin(settings, found);
  checkListeners(settings, found);
  checkRetention(settings, known, found);
  warnOfClearText(tableAt(source, 'admin'), ['admin'], { ...found, keys: keysOf(sections.admin) });
  warnOfPlainPublicUrl(settings, found);
  if (known.length === 0 && found.problems.length === 0) {
    const hint = 'config.example.yaml shows one of each type';
    found.warnings.push({ path: 'channels', line: 1, message: 'no channel is configured', hint });
  }
  const refused = found.problems.length > 0 ? refusal(from.file, found) : null;

  const dataDir = resolve(folder, settings.data_dir);
  const { backup } = settings;
  const config: Config = {
    ...settings,
    data_dir: dataDir,
    backup: { ...backup, dir: backup.dir === null ? join(dataDir, 'backups') : resolve(folder, backup.dir) },
    file: from.file,
    alerts,
    channels,
    given: givenPaths(source.data),
    hash: createHash('sha256').update(canonical(source.data)).digest('hex'),
    textHash: hashOfText(text),
  };
  const named = Object.keys(tableAt(source, 'channels'));
  const faulty = found.problems.some((problem) => !source.isBroken(problem.path));
  return { config, warnings: publicly(found, found.warnings), named, refused, faulty };
}

/** Everything but the channels. Sections that are empty (`server:`) count as not there. */
function readSettings(source: Source, found: { problems: Problem[] }): FileSettings {
  const { channels: _, alerts: __, ...rest } = source.data;
  const table = Object.fromEntries(
    Object.entries(rest).filter(([key, value]) => !(value === null && key in sections)),
  );
  const helps = new Map<string, string>(
    Object.entries(sections).flatMap(([name, section]) =>
      keysOf(section).map((key) => [`${name}.${key.name}`, key.help] as const),
    ),
  );
  const context = { source, helpOf: (path: Path) => helps.get(path.join('.')) ?? '' };
  const { value, issues } = parseLeniently(fileSchema, table);
  found.problems.push(...problemsOf(issues, [], context));

  const known = ['data_dir', ...Object.keys(sections), 'alerts', 'channels'];
  found.problems.push(...unknownKeys(source.data, [], { source, known, homes: homeOf }));
  for (const [name, section] of Object.entries(sections)) {
    const names = keysOf(section).map((key) => key.name);
    const context = { source, known: names, homes: (key: string) => homeOf(key, name) };
    found.problems.push(...unknownKeys(tableAt(source, name), [name], context));
  }
  return value ?? fileSchema.parse({});
}

/** Where a key that stands in the wrong place belongs. */
function homeOf(key: string, within?: string): string | null {
  const homes = Object.entries(sections)
    .filter(([name, section]) => name !== within && keysOf(section).some((known) => known.name === key))
    .map(([name]) => name);
  if (sharedKeys.some((known) => known.name === key)) homes.push('a channel (channels.<name>)');
  return homes.length === 0 ? null : `${key} belongs under ${homes.join(' or ')}`;
}

/** Platforms of weight refuse plain http, and a delivery carries buyers' data. */
function warnOfPlainPublicUrl(settings: FileSettings, found: { source: Source; warnings: Problem[] }): void {
  const url = settings.server.public_url;
  if (url === null || !url.startsWith('http://') || isLoopback(new URL(url).hostname)) return;
  const line = found.source.lineOf(['server', 'public_url']);
  const message = 'plain http://: deliveries travel unencrypted, and most platforms refuse to send them';
  found.warnings.push({ path: 'server.public_url', line, message, hint: 'put a TLS proxy in front' });
}

function refusal(file: string, found: Found): AppError {
  const problems = publicly(found, found.problems);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new AppError('config', `${file} has ${count}`, {
    hint: 'mend the lines named, then try `invsync config check`',
    exitCode: EXIT.usage,
    details: { file, problems, warnings: publicly(found, found.warnings) },
  });
}

function publicly(found: Found, problems: readonly Problem[]): Problem[] {
  const secrets = secretsIn(found.source.data, found.secretKeys);
  return sorted(withoutSecrets(problems, [...found.source.expandedValues, ...secrets]));
}

/** Texts under keys that are secret in any type or look so, wherever they stand. */
function secretsIn(data: unknown, keys: readonly KeyInfo[]): string[] {
  if (Array.isArray(data)) return data.flatMap((item) => secretsIn(item, keys));
  if (!isTable(data)) return [];
  return Object.entries(data).flatMap(([key, value]) =>
    isSecretKey(key, keys) ? textsIn(value) : secretsIn(value, keys),
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isTable(value) ? Object.values(value).flatMap(textsIn) : [];
}

function tableAt(source: Source, key: string): Record<string, unknown> {
  const value = source.data[key];
  return isTable(value) ? value : {};
}

function givenPaths(data: unknown, prefix = ''): Set<string> {
  if (!isTable(data)) return new Set(prefix === '' ? [] : [prefix]);
  const paths = Object.entries(data).flatMap(([key, value]) => [
    ...givenPaths(value, prefix === '' ? key : `${prefix}.${key}`),
  ]);
  return new Set(paths);
}

/** JSON with sorted keys: the order of keys in the file changes nothing. */
function canonical(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) =>
    isTable(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}
