import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { definitions } from '../../src/channels/registry.ts';
import { alertsSchema, routeTypes, ruleSchema } from '../../src/config/alerts.ts';
import { keysOf } from '../../src/config/keys.ts';
import { parseConfig, parseSound } from '../../src/config/load.ts';
import type { Problem } from '../../src/config/problem.ts';
import { redactedConfig } from '../../src/config/show.ts';
import { alertLevels } from '../../src/store/store.ts';

const root = join(import.meta.dirname, '../..');
const example = readFileSync(join(root, 'config.example.yaml'), 'utf8');
const page = readFileSync(join(root, 'docs/alerts.md'), 'utf8');
const env = Object.fromEntries(
  [...example.matchAll(/\$\{([A-Z_]+)\}/g)].map((found) => [
    found[1] ?? '',
    'a-value-from-the-environment-0123456789',
  ]),
);
const from = { file: '/etc/invsync/config.yaml', env, definitions: [] };
const kinds = Object.keys(alertLevels);

const alertsOf = (text: string) => parseConfig(text, from).config.alerts;
const problems = (text: string) => {
  const found = (parseSound(text, from).refused?.details['problems'] ?? []) as Problem[];
  return found.map(({ path, line, message, hint }) => `${line} ${path} ${message}; ${hint}`);
};

describe('the runbook', () => {
  test('has a paragraph for every kind that there is, and no other, each with how bad it is and what to do', () => {
    const told = [...page.matchAll(/^### `(\w+)`\n\n(.+)$/gm)];
    expect(told.map((found) => found[1])).toEqual(kinds);
    for (const [, kind = '', text = ''] of told) {
      const level = alertLevels[kind as keyof typeof alertLevels];
      expect(text, kind).toContain(`**How bad** (${level}): `);
      expect(text, kind).toContain('**What to do**: ');
    }
  });
});

describe('alerts in the configuration', () => {
  test('has a rule for every kind without a word in the file, and no route', () => {
    const { rules, routes, deadMan } = alertsOf('');
    expect(Object.keys(rules)).toEqual(kinds);
    expect([routes, deadMan]).toEqual([[], null]);
    expect(rules.oversell).toEqual({
      level: 'error',
      after: { ms: 0, times: 1 },
      repeatMs: 6 * 3_600_000,
      routes: null,
      quiet: null,
    });
  });

  test('takes rules, quiet hours for warnings alone, and routes', () => {
    const text = `alerts:
  quiet: "22:00-07:00"
  routes: { phone: { type: ntfy, url: "https://ntfy.sh/shop" } }
  rules:
    low_stock: { level: info, after: 3, repeat: off, routes: [phone] }
    exposed: { level: warn, after: 10m }
    brake: { quiet: "01:00-02:00" }
    unmapped_sale: { quiet: off }`;
    const { rules, routes } = alertsOf(text);
    expect(routes).toEqual([{ name: 'phone', type: 'ntfy', url: 'https://ntfy.sh/shop' }]);
    const night = { from: 1_320, to: 420 };
    expect(rules.low_stock).toEqual({
      level: 'info',
      after: { ms: 0, times: 3 },
      repeatMs: null,
      routes: ['phone'],
      quiet: night,
    });
    expect(rules.exposed).toMatchObject({ level: 'warn', after: { ms: 600_000, times: 1 }, quiet: night });
    expect(rules.oversell.quiet).toBeNull();
    expect(rules.brake.quiet).toEqual({ from: 60, to: 120 });
    expect(rules.unmapped_sale.quiet).toBeNull();
  });

  test('names every problem with its line and what to do', () => {
    expect(
      problems(`alerts:
  quiet: at night
  routs: {}
  routes:
    mail: { type: smtp, host: mail.example.com, from: nobody, to: me@example.com, prot: 25 }
    fax: { type: fax }
    bad: { type: slack, webhook_url: "http://hooks.example.com/x" }
  rules:
    oversel: { level: warn }
    oversell: { level: bad, after: soon, routes: [phone] }`),
    ).toEqual([
      expect.stringMatching(/^2 alerts\.quiet is no span of hours; .*"22:00-07:00"/),
      expect.stringMatching(/^3 alerts\.routs unknown key; did you mean routes/),
      expect.stringMatching(/^5 alerts\.routes\.mail\.from is no mail address/),
      expect.stringMatching(/^5 alerts\.routes\.mail\.prot unknown key; did you mean port/),
      expect.stringMatching(/^6 alerts\.routes\.fax\.type is no type of route; one of smtp, slack/),
      expect.stringMatching(/^7 alerts\.routes\.bad\.webhook_url plain http/),
      expect.stringMatching(/^9 alerts\.rules\.oversel unknown key; did you mean oversell/),
      expect.stringMatching(/^10 alerts\.rules\.oversell\.level is not a known choice; one of info, warn/),
      expect.stringMatching(/^10 alerts\.rules\.oversell\.after is neither a duration nor a number/),
      expect.stringMatching(/^10 alerts\.rules\.oversell\.routes\[?\.?0\]? is no route/),
    ]);
  });

  test('never shows a secret', () => {
    const { config, warnings } = parseConfig(
      `alerts:
  dead_man: https://hc-ping.com/s3cret
  routes:
    chat: { type: slack, webhook_url: "https://hooks.slack.com/s3cret" }
    own: { type: webhook, url: "https://ops.example.com", secret: s3cret-s3cret-s3cret }`,
      from,
    );
    expect(JSON.stringify(redactedConfig(config))).not.toContain('s3cret');
    expect(JSON.stringify(warnings)).not.toContain('s3cret');
    expect(warnings.map(({ path, message }) => `${path} ${message}`)).toContain(
      'alerts.routes.chat.webhook_url a secret in clear text',
    );
  });

  test('stands in config.example.yaml with every key and its help', async () => {
    const { config } = parseConfig(example, { ...from, definitions: await definitions() });
    expect(config.alerts.routes.map(({ type }) => type).sort()).toEqual(Object.keys(routeTypes).sort());
    const words = example.replace(/\s*\n\s*# ?/g, ' ').replace(/\s+/g, ' ');
    const schemas = [alertsSchema, ruleSchema, ...Object.values(routeTypes)];
    for (const { name, help } of schemas.flatMap(keysOf)) {
      expect(help, name).not.toBe('');
      expect(words, name).toContain(help.replace(/\s+/g, ' '));
    }
  });
});
