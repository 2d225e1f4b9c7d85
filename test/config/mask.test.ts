import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ChannelDefinition } from '../../src/channels/channel.ts';
import { definitions } from '../../src/channels/registry.ts';
import { secretNamesIn } from '../../src/config/keys.ts';
import { maskClearSecrets } from '../../src/config/mask.ts';

const example = readFileSync(join(import.meta.dirname, '../../config.example.yaml'), 'utf8');

describe('a configuration for a backup', () => {
  test('is the file itself where every secret is a reference, comments included', async () => {
    expect(maskClearSecrets(example, await definitions())).toEqual({ text: example, masked: [] });
  });

  test('has no value of any secret key of any type, and every other value as it was', async () => {
    const all = await definitions();
    let secrets = 100;
    const filled = example
      .replace(/^( *)#([a-z_]+:)/gm, '$1$2')
      .replace(/\$\{[^}]+\}/g, () => `in-clear-text-${secrets++}`);
    const found = maskClearSecrets(filled, all);
    const [before, after] = [parse(filled), parse(found?.text ?? '')];
    // Each type's own page says which of its keys are secret; ids are none.
    const left = lost(before, after, []);
    expect(left.sort()).toEqual(found?.masked);
    const kept = (found?.text ?? '').split('\n').filter((line) => /^ .*in-clear-text/.test(line));
    expect(kept.map((line) => line.trim().replace(/: .*/, '')).filter((key) => !key.endsWith('_id'))).toEqual(
      [],
    );
    expect(left.length).toBeGreaterThan(10);
  });

  test('knows secrets below names that people choose', () => {
    const routes = z.record(
      z.string(),
      z.strictObject({ url: z.string().meta({ secret: true }), level: z.string() }),
    );
    expect(secretNamesIn(z.strictObject({ routes }))).toEqual(['url']);
    const definition = { config: z.strictObject({ routes }) } as unknown as ChannelDefinition;
    const text = 'alerts:\n  routes:\n    phone: { url: https://hooks.example.com/T0/B0, level: warn }\n';
    expect(maskClearSecrets(text, [definition])).toEqual({
      text: text.replace('https://hooks.example.com/T0/B0', `"\${MASKED_ALERTS_ROUTES_PHONE_URL}"`),
      masked: ['alerts.routes.phone.url'],
    });
  });
});

/** Where two documents differ. */
function lost(before: unknown, after: unknown, path: (string | number)[]): string[] {
  if (typeof before === 'object' && before !== null)
    return Object.entries(before).flatMap(([key, value]) =>
      lost(value, (after as Record<string, unknown> | undefined)?.[key], [
        ...path,
        Array.isArray(before) ? Number(key) : key,
      ]),
    );
  if (before === after) return [];
  return [
    path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join(''),
  ];
}
