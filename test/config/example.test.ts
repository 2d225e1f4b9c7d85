import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { channelTypes, definitions } from '../../src/channels/registry.ts';
import { sharedKeys } from '../../src/config/channels.ts';
import { type KeyInfo, keysOf } from '../../src/config/keys.ts';
import { parseConfig } from '../../src/config/load.ts';
import { fileSchema, sections } from '../../src/config/schema.ts';
import { starter } from '../../src/config/starter.ts';

const file = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));
const text = readFileSync(file, 'utf8');
/** `memory` lives inside a test's process: nothing that a merchant could configure. */
const forMerchants = channelTypes.filter((type) => type !== 'memory');

/** Every `${NAME}` that the example mentions, as an environment. */
const env = Object.fromEntries(
  [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map((found) => [
    found[1] ?? '',
    'a-value-from-the-environment-0123456789',
  ]),
);

/** The lines of a block: from its heading to the next line that is indented no deeper. */
function block(heading: RegExp, within: string[]): string[] {
  const start = within.findIndex((line) => heading.test(line));
  if (start < 0) return [];
  const depth = (line: string) => line.search(/\S/);
  const rest = within.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() !== '' && depth(line) <= depth(within[start] ?? ''));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Each key of a block, on or off (`#key:`), with the words of the comment right above it. */
function explained(lines: string[]): Map<string, string> {
  const found = new Map<string, string>();
  let comment: string[] = [];
  for (const line of lines) {
    const key = /^\s*#?([a-z_]+):/.exec(line)?.[1];
    if (/^\s*# /.test(line)) comment.push(line.trim().slice(2));
    else {
      if (key !== undefined) found.set(key, comment.join(' '));
      comment = [];
    }
  }
  return found;
}

const words = (help: string) => help.replace(/\s+/g, ' ').trim();
const helps = (keys: readonly KeyInfo[]) =>
  Object.fromEntries(keys.map((key) => [key.name, words(key.help)]));

describe('config new', () => {
  test.each(forMerchants)(
    'starts a %s channel with what has no default, and nothing to mend but the values',
    async (type) => {
      const all = await definitions();
      const own = all.filter((definition) => definition.type === type);
      const made = starter(own, text);
      const { config, warnings } = parseConfig(made, { file, env, definitions: all });
      expect(config.channels).toMatchObject([{ name: type, type, mode: 'observe' }]);
      expect(warnings).toEqual([]);
      const keys = keysOf(own[0]?.config as Parameters<typeof keysOf>[0]);
      const missing = keys.filter((key) => key.required && !made.includes(`    ${key.name}: `));
      expect(missing).toEqual([]);
      for (const line of made.matchAll(/^ {4}([a-z_]+): /gm)) {
        if (['type', 'mode'].includes(line[1] ?? '')) continue;
        const above = made.slice(0, line.index).trimEnd().split('\n').at(-1);
        expect(above).toMatch(/^ {4}# /);
      }
    },
  );

  test('gives two channels of one type two names', async () => {
    const [shopify] = await definitions(['shopify']);
    if (shopify === undefined) throw new Error('no such type');
    const { config } = parseConfig(starter([shopify, shopify], text), { file, env, definitions: [shopify] });
    expect(config.channels.map((channel) => channel.name)).toEqual(['shopify', 'shopify-2']);
  });
});

describe('config.example.yaml', () => {
  const lines = text.split('\n');
  const channelBlocks = [...text.matchAll(/^ {2}([a-z0-9-]+):$/gm)]
    .map((found) => block(new RegExp(`^  ${found[1]}:$`), lines))
    .filter((inside) => inside.some((line) => /^ {4}type: /.test(line)));

  test('is a sound configuration without warnings', async () => {
    const loaded = parseConfig(text, { file, env, definitions: await definitions() });
    expect(loaded.warnings).toEqual([]);
    expect(loaded.config.channels.map((channel) => channel.type).sort()).toEqual([...forMerchants].sort());
  });

  test('shows the defaults of the sections that promise to', async () => {
    const shown = parseConfig(text, { file, env, definitions: await definitions() }).config;
    const bare = parseConfig('', { file, env, definitions: [] }).config;
    for (const key of ['data_dir', 'reconcile', 'retention', 'defaults'] as const) {
      expect(shown[key]).toEqual(bare[key]);
    }
    expect([shown.server.listen, shown.admin.listen]).toEqual([bare.server.listen, bare.admin.listen]);
  });

  test('knows every key at the top', () => {
    const top = explained(lines);
    for (const key of [...Object.keys(fileSchema.shape), 'channels']) expect([...top.keys()]).toContain(key);
    expect(top.get('data_dir')).toBe(words(fileSchema.shape.data_dir.description ?? ''));
  });

  test.each(Object.entries(sections))('shows every key of %s with its help', (name, section) => {
    const shown = explained(block(new RegExp(`^${name}:$`), lines));
    expect(Object.fromEntries(shown)).toEqual(helps(keysOf(section)));
  });

  test('shows every key that all channels share, with its help', () => {
    const shown = channelBlocks.map(explained);
    for (const { name, help } of sharedKeys) {
      expect(help, name).not.toBe('');
      expect(
        shown.map((keys) => keys.get(name)),
        name,
      ).toContain(words(help));
    }
  });

  test.each(forMerchants)('shows every key of type %s with its help', async (type) => {
    const [definition] = await definitions([type]);
    const inside = channelBlocks.find((lines) => lines.includes(`    type: ${type}`)) ?? [];
    const own = keysOf(definition?.config ?? fileSchema);
    expect(own.filter((key) => key.help === '')).toEqual([]);
    expect(Object.fromEntries(explained(inside))).toMatchObject(helps(own));
  });
});

describe('every channel type', () => {
  test.each(channelTypes)('%s names no key that all channels share, and marks its secrets', async (type) => {
    const [definition] = await definitions([type]);
    expect(definition?.type).toBe(type);
    const own = keysOf(definition?.config ?? fileSchema);
    const shared = new Set(sharedKeys.map((key) => key.name));
    expect(own.filter((key) => shared.has(key.name))).toEqual([]);
    const looksSecret = own.filter((key) => /token$|secret$|password$|_key$/.test(key.name));
    expect(looksSecret.filter((key) => !key.secret)).toEqual([]);
  });
});
