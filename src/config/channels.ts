import type { ChannelDefinition } from '../channels/channel.ts';
import type { ChannelConfig } from './config.ts';
import { problemsOf, unknownKeys } from './issues.ts';
import { innerKeys, isSecretKey, type KeyInfo, keysOf } from './keys.ts';
import { isTable, parseLeniently } from './lenient.ts';
import { nearest } from './nearest.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import { checkOversell, checkPlainHttp, checkPulls, warnOfClearText } from './rules.ts';
import { type ChannelSettings, channelName, channelSchema, type FileSettings } from './schema.ts';
import type { Source } from './source.ts';

/** What reading the channels needs, and where it says what it finds. */
export interface ChannelReading {
  source: Source;
  definitions: readonly ChannelDefinition[];
  settings: FileSettings;
  problems: Problem[];
  warnings: Problem[];
}

/** `channels` are the sound ones; `known` are all whose type is known, for rules across the file. */
export interface ChannelsRead {
  channels: ChannelConfig[];
  known: { name: string; definition: ChannelDefinition }[];
}

/** The keys that all types share, with their help. */
export const sharedKeys: readonly KeyInfo[] = keysOf(channelSchema);
const sharedNames = new Set(sharedKeys.map((key) => key.name));

/** Reads `channels:`. Unsound channels are left out, their problems reported. */
export function readChannels(reading: ChannelReading): ChannelsRead {
  const result: ChannelsRead = { channels: [], known: [] };
  const tables = reading.source.data['channels'] ?? {};
  if (!isTable(tables)) {
    report(
      reading,
      ['channels'],
      'is not a table of channels',
      'a name, and under it the keys of that channel',
    );
    return result;
  }
  for (const [name, table] of Object.entries(tables)) {
    const path = ['channels', name];
    if (!channelName.test(name)) {
      report(reading, path, 'is not a name for a channel', '1 to 40 of a-z, 0-9 and -, not starting with -');
    }
    if (!isTable(table)) {
      report(reading, path, 'is not a table of keys', 'type: and the keys of that type');
      continue;
    }
    const definition = definitionOf(table['type'], path, reading);
    if (definition !== null) result.known.push({ name, definition });
    const channel = readChannel(name, { table, definition }, reading);
    if (channel !== null) result.channels.push(channel);
  }
  return result;
}

function readChannel(
  name: string,
  given: { table: Record<string, unknown>; definition: ChannelDefinition | null },
  reading: ChannelReading,
): ChannelConfig | null {
  const { table, definition } = given;
  const { source, problems } = reading;
  const path = ['channels', name];
  const before = problems.length;
  const ownKeys = definition === null ? [] : keysOf(definition.config);
  const helps = new Map([...sharedKeys, ...ownKeys].map((key) => [key.name, key.help]));
  const context = { source, helpOf: (found: Path) => helps.get(String(found[2])) ?? '' };

  const sharedTable = { ...pick(table, sharedNames), type: definition?.type ?? 'unknown' };
  const shared = parseLeniently(channelSchema, sharedTable);
  problems.push(...problemsOf(shared.issues, path, context));
  checkPlainHttp(table, path, reading);
  warnOfClearText(table, path, { ...reading, keys: ownKeys });
  if (definition === null) return null;

  const ownNames = new Set(ownKeys.map((key) => key.name));
  const ownTable = pick(table, ownNames);
  const own = definition.config.safeParse(ownTable);
  if (!own.success) problems.push(...problemsOf(own.error.issues, path, context));
  const homes = (key: string) => otherHome(key, definition, reading.definitions);
  problems.push(...unknownKeys(table, path, { source, known: [...sharedNames, ...ownNames], homes }));
  if (shared.value === null) return null;
  checkOversell(shared.value, definition, { ...reading, path });
  checkPulls(shared.value, definition, { ...reading, path });
  if (!own.success || problems.length > before) return null;

  const settings = settled(shared.value, definition, reading.settings);
  return { ...settings, name, definition, own: own.data, shown: withoutSecrets(ownTable, ownKeys) };
}

function withoutSecrets(
  table: Readonly<Record<string, unknown>>,
  keys: readonly KeyInfo[],
): Record<string, unknown> {
  const shown = Object.entries(table).map(([key, value]) => {
    const inner = innerKeys(key, keys);
    if (inner.length > 0 && isTable(value)) return [key, withoutSecrets(value, inner)] as const;
    return [key, isSecretKey(key, keys) ? '[redacted]' : value] as const;
  });
  return Object.fromEntries(shown);
}

function definitionOf(type: unknown, path: Path, reading: ChannelReading): ChannelDefinition | null {
  const types = reading.definitions.map((known) => known.type);
  const found = reading.definitions.find((known) => known.type === type);
  if (found !== undefined) return found;
  const typePath = [...path, 'type'];
  if (reading.source.isBroken(typePath)) return null;
  const choices = `one of ${types.join(', ')}`;
  if (typeof type !== 'string') {
    report(reading, typePath, 'is missing', choices);
    return null;
  }
  const guess = nearest(type, types);
  const hint = guess === null ? choices : `did you mean ${guess}? Built in: ${types.join(', ')}`;
  report(reading, typePath, 'is not a built-in type of channel', hint);
  return null;
}

/** Lays a channel's own settings over `defaults` and the type's. */
function settled(
  shared: ChannelSettings,
  definition: ChannelDefinition,
  settings: FileSettings,
): Omit<ChannelConfig, 'name' | 'definition' | 'own' | 'shown'> {
  const { capabilities } = definition;
  const { defaults } = settings;
  const webhooks = shared.webhooks ?? capabilities.webhooks;
  const oversell = shared.oversell ?? defaults.oversell;
  const able = oversell === 'alert' || capabilities[oversell];
  const pollDefaultMs = webhooks ? capabilities.pollDefaultMs : capabilities.pollOnlyMs;
  return {
    ...shared,
    buffer:
      shared.buffer ?? (defaults.buffer > 0 ? defaults.buffer : (definition.capabilities.defaultBuffer ?? 0)),
    percent: shared.percent ?? defaults.percent,
    max: shared.max ?? defaults.max,
    oversell: able ? oversell : 'alert',
    webhooks,
    poll: shared.poll === undefined ? pollDefaultMs : shared.poll,
    order_lag: shared.order_lag ?? null,
    index_lag: shared.index_lag ?? null,
    settle: shared.settle ?? null,
    max_execution: shared.max_execution ?? null,
    raise_after: shared.raise_after ?? settings.reconcile.raise_after,
  };
}

/** Where a key that this type does not know would be right. */
function otherHome(
  key: string,
  own: ChannelDefinition,
  definitions: readonly ChannelDefinition[],
): string | null {
  const others = definitions.filter(
    (other) => other !== own && keysOf(other.config).some((known) => known.name === key),
  );
  if (others.length === 0) return null;
  const types = others.map((other) => other.type).join(' and ');
  return `${key} belongs to type ${types}; this channel is of type ${own.type}`;
}

function report(reading: ChannelReading, path: Path, message: string, hint: string): void {
  reading.problems.push({ path: pathText(path), line: reading.source.lineOf(path), message, hint });
}

function pick(table: Record<string, unknown>, wanted: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).filter(([key]) => wanted.has(key)));
}
