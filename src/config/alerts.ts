import { z } from 'zod';
import { type AlertKind, type AlertLevel, type AlertLevels, alertLevels } from '../store/store.ts';
import { problemsOf, unknownKeys } from './issues.ts';
import { keysOf } from './keys.ts';
import { isTable, parseLeniently } from './lenient.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import { checkPlainHttp, warnOfClearText } from './rules.ts';
import type { Source } from './source.ts';
import { durationText, parseDuration } from './text.ts';
import { durationOrOff, units, webAddress } from './values.ts';

const hourMs = 3_600_000;
const address = z.string().regex(/^[^\s@<>]+@[^\s@<>]+$|^[^<>]{1,200}<[^\s@<>]+@[^\s@<>]+>$/, {
  error: 'is no mail address',
});
const secret = z.string().min(1).meta({ secret: true });

/** The kinds of routes, each with its own keys and their help. */
export const routeTypes = {
  smtp: z.strictObject({
    host: z.string().min(1).describe('the mail server'),
    port: units.default(587).describe('its port: 587 with STARTTLS, 465 with TLS from the start'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .optional()
      .describe('starttls, tls (default at port 465), or none: only on this machine'),
    user: z.string().min(1).optional().describe('who logs in there; none: nobody'),
    password: secret.optional().describe('the password of that user'),
    from: address.describe('the sender'),
    to: z.union([address, z.array(address).min(1)]).describe('who gets the mail: one address or a list'),
  }),
  slack: z.strictObject({
    webhook_url: webAddress
      .meta({ secret: true })
      .describe('incoming webhook of Slack, Mattermost or what understands the same'),
  }),
  discord: z.strictObject({
    webhook_url: webAddress.meta({ secret: true }).describe('webhook of a Discord channel'),
  }),
  ntfy: z.strictObject({
    url: webAddress.describe('address of the topic: https://ntfy.sh/a-name-nobody-guesses'),
    token: secret.optional().describe('access token, where the topic needs one'),
  }),
  webhook: z.strictObject({
    url: webAddress.describe('takes JSON by POST, signed as Standard Webhooks describe it'),
    secret: secret.describe('signs it: whsec_ and base64, or any text of 16 characters or more').min(16),
  }),
} as const;

/** The other keys of the section, with their help. */
export const alertsSchema = z.strictObject({
  quiet: quietHours()
    .nullable()
    .default(null)
    .describe('hours in which warnings wait, in the zone of reconcile.timezone: "22:00-07:00"'),
  dead_man: webAddress
    .meta({ secret: true })
    .nullable()
    .default(null)
    .describe(
      'address that is asked at the start and the end of each scheduled reconcile: healthchecks.io or the like tells you when that stops',
    ),
});

/** `10m`: it must have stood for so long. `3`: it must have come so often. */
const patience = z.unknown().transform((value, context): Rule['after'] => {
  const ms = typeof value === 'string' ? parseDuration(value) : null;
  if (ms !== null) return { ms, times: 1 };
  const times = units.safeParse(value);
  if (times.success && times.data >= 1) return { ms: 0, times: times.data };
  const hint = 'a time (10m), or how often (3)';
  context.addIssue({ code: 'custom', message: 'is neither a duration nor a number', params: { hint } });
  return z.NEVER;
});

/** The keys of one rule, with their help. */
export const ruleSchema = z.strictObject({
  level: z.enum(['info', 'warn', 'error']).optional().describe('how bad it is: errors are told at any hour'),
  after: patience.optional().describe('told when it has stood for so long (10m), or came so often (3)'),
  repeat: durationOrOff
    .optional()
    .describe('told again so often while it stands and nobody acknowledged it, or off'),
  routes: z.array(z.string()).optional().describe('only these routes; []: shown, told nowhere'),
  quiet: z
    .union([z.literal('off').transform(() => null), quietHours()])
    .optional()
    .describe('hours of its own in which it waits, or off'),
});

/** Minutes after midnight; `from` may be later than `to`. */
export interface Quiet {
  from: number;
  to: number;
}

function quietHours() {
  return z.string().transform((text, context): Quiet => {
    const found = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
    const [, a = 0, b = 0, c = 0, d = 0] = (found ?? []).map(Number);
    if (found !== null && (a !== c || b !== d)) return { from: a * 60 + b, to: c * 60 + d };
    context.addIssue({
      code: 'custom',
      message: 'is no span of hours',
      params: { hint: 'from-to, in quotes: "22:00-07:00"' },
    });
    return z.NEVER;
  });
}

type RouteKind = keyof typeof routeTypes;
/** A way to people: its name, its type and what that needs. Carries secrets. */
export type Route = {
  [Type in RouteKind]: { name: string; type: Type } & z.output<(typeof routeTypes)[Type]>;
}[RouteKind];

/** When and where a kind is told. */
export interface Rule {
  level: AlertLevel;
  /** It must have stood for so long (ms) and have come so often. */
  after: { ms: number; times: number };
  /** Null: never again. */
  repeatMs: number | null;
  /** Null: by all routes. */
  routes: string[] | null;
  /** Hours in which it waits, whatever its level; null: none. */
  quiet: Quiet | null;
}

export type AlertRules = Readonly<Record<AlertKind, Rule>>;

/** The section `alerts`, read. */
export interface AlertSettings {
  routes: Route[];
  rules: AlertRules;
  deadMan: string | null;
}

/** What comes and goes by itself is told when it has stood for a while, and what nobody can hurry is told once a day. */
const defaultRules: Partial<Record<AlertKind, Partial<Rule>>> = {
  feed_stale: { after: { ms: 5 * 60_000, times: 1 } },
  channel_failing: { after: { ms: 5 * 60_000, times: 1 } },
  refused_push: { after: { ms: 10 * 60_000, times: 1 } },
  exposed: { after: { ms: 60_000, times: 1 } },
  low_stock: { repeatMs: 24 * hourMs },
  sku_changed: { repeatMs: 24 * hourMs },
  listing_replaced: { repeatMs: 24 * hourMs },
  reservation_old: { repeatMs: 24 * hourMs },
  channel_notice: { repeatMs: null },
  key_reused: { repeatMs: null },
  missed_by_feed: { repeatMs: null },
  order_warning: { repeatMs: null },
};

const kinds = Object.keys(alertLevels) as AlertKind[];

/** How each kind is told where the configuration says nothing. Warnings keep the quiet hours, errors none. */
export function rulesWith(
  given: Partial<Record<AlertKind, z.output<typeof ruleSchema>>> = {},
  quiet: Quiet | null = null,
): AlertRules {
  const rules = kinds.map((kind): [AlertKind, Rule] => {
    const own = given[kind] ?? {};
    const base: Rule = {
      level: alertLevels[kind],
      after: { ms: 0, times: 1 },
      repeatMs: 6 * hourMs,
      routes: null,
      quiet: null,
      ...defaultRules[kind],
    };
    const level = own.level ?? base.level;
    return [
      kind,
      {
        level,
        after: own.after ?? base.after,
        repeatMs: own.repeat === undefined ? base.repeatMs : own.repeat,
        routes: own.routes ?? null,
        quiet: own.quiet === undefined ? (level === 'error' ? null : quiet) : own.quiet,
      },
    ];
  });
  return Object.fromEntries(rules) as Record<AlertKind, Rule>;
}

interface Found {
  source: Source;
  problems: Problem[];
  warnings: Problem[];
}

/** Reads `alerts:`. What is unsound is left out, and its problems are reported. */
export function readAlerts(found: Found): AlertSettings {
  const table = found.source.data['alerts'] ?? {};
  if (!isTable(table)) {
    report(found, ['alerts'], 'is not a table of keys', 'routes:, rules:, quiet:, dead_man:');
    return noAlerts;
  }
  const { routes: routeTables = {}, rules: ruleTables = {}, ...rest } = table;
  const routes = readRoutes(routeTables, found);
  const names = routes.map(({ name }) => name);
  const main = parsed(alertsSchema, rest, ['alerts'], found, ['routes', 'rules']);
  return {
    routes,
    rules: rulesWith(readRules(ruleTables, names, found), main?.quiet ?? null),
    deadMan: main?.dead_man ?? null,
  };
}

/** How bad each kind is. */
export function levelsOf({ rules }: AlertSettings): AlertLevels {
  return Object.fromEntries(kinds.map((kind) => [kind, rules[kind].level])) as Record<AlertKind, AlertLevel>;
}

/** No routes, and the rules that need no configuration. */
export const noAlerts: AlertSettings = { routes: [], rules: rulesWith(), deadMan: null };

function readRoutes(tables: unknown, found: Found): Route[] {
  if (!isTable(tables)) {
    report(
      found,
      ['alerts', 'routes'],
      'is not a table of routes',
      'a name, and under it type: and its keys',
    );
    return [];
  }
  return Object.entries(tables).flatMap(([name, table]): Route[] => {
    const path = ['alerts', 'routes', name];
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
      report(found, path, 'is not a name for a route', '1 to 40 of a-z, 0-9 and -');
      return [];
    }
    const type = isTable(table) ? table['type'] : undefined;
    if (!isTable(table) || !isRouteKind(type)) {
      const choices = Object.keys(routeTypes).join(', ');
      report(
        found,
        [...path, 'type'],
        type === undefined ? 'is missing' : 'is no type of route',
        `one of ${choices}`,
      );
      return [];
    }
    const { type: _, ...own } = table;
    const schema: z.ZodType = routeTypes[type];
    warnOfClearText(own, path, { ...found, keys: keysOf(schema) });
    checkPlainHttp(own, path, found);
    const value = parsed(schema, own, path, found, ['type']);
    return value === null ? [] : [{ name, type, ...(value as object) } as Route];
  });
}

function isRouteKind(type: unknown): type is RouteKind {
  return typeof type === 'string' && Object.hasOwn(routeTypes, type);
}

function readRules(tables: unknown, routes: readonly string[], found: Found) {
  const rules: Partial<Record<AlertKind, z.output<typeof ruleSchema>>> = {};
  if (!isTable(tables)) {
    report(
      found,
      ['alerts', 'rules'],
      'is not a table of rules',
      'a kind of alert, and under it level:, after:, …',
    );
    return rules;
  }
  const context = { source: found.source, known: kinds, homes: () => null };
  found.problems.push(...unknownKeys(tables, ['alerts', 'rules'], context));
  for (const kind of kinds) {
    const table = tables[kind];
    if (table === undefined || table === null) continue;
    const path = ['alerts', 'rules', kind];
    if (!isTable(table))
      report(found, path, 'is not a table of keys', 'level:, after:, repeat:, routes:, quiet:');
    const rule = isTable(table) ? parsed(ruleSchema, table, path, found) : null;
    if (rule === null) continue;
    for (const [at, name] of (rule.routes ?? []).entries())
      knowRoute(name, routes, [...path, 'routes', at], found);
    rules[kind] = rule;
  }
  return rules;
}

function knowRoute(name: string, routes: readonly string[], path: Path, found: Found): void {
  if (routes.includes(name)) return;
  const hint = routes.length === 0 ? 'alerts.routes names none' : `one of ${routes.join(', ')}`;
  report(found, path, 'is no route', hint);
}

/** A table by its schema, its problems reported; null when a key that it needs is at fault. */
function parsed<T>(
  schema: z.ZodType<T>,
  table: Record<string, unknown>,
  path: Path,
  found: Found,
  beside: string[] = [],
): T | null {
  const keys = keysOf(schema);
  const helps = new Map(keys.map((key) => [key.name, key.help]));
  const known = [...keys.map((key) => key.name), ...beside];
  const { value, issues } = parseLeniently(schema, table);
  const helpOf = (at: Path) => helps.get(String(at[path.length])) ?? '';
  found.problems.push(
    ...problemsOf(issues, path, { source: found.source, helpOf }),
    ...unknownKeys(table, path, { source: found.source, known, homes: () => null }),
  );
  return value;
}

function report(found: Found, path: Path, message: string, hint: string): void {
  if (found.source.isBroken(path)) return;
  found.problems.push({ path: pathText(path), line: found.source.lineOf(path), message, hint });
}

const redacted = '[redacted]';

/** The section as one would write it, secrets as `[redacted]`. */
export function redactedAlerts({ routes, rules, deadMan }: AlertSettings): Record<string, unknown> {
  const shown = routes.map(({ name, ...route }) => {
    const keys = keysOf(routeTypes[route.type]);
    const hidden = Object.entries(route).map(([key, value]) => {
      const info = keys.find((each) => each.name === key);
      return [key, info?.secret === true ? redacted : value];
    });
    return [name, Object.fromEntries(hidden)];
  });
  return {
    routes: Object.fromEntries(shown),
    rules: Object.fromEntries(kinds.map((kind) => [kind, ruleText(rules[kind])])),
    dead_man: deadMan === null ? null : redacted,
  };
}

function ruleText({ level, after, repeatMs, routes, quiet }: Rule): Record<string, unknown> {
  return {
    level,
    after: after.times > 1 ? after.times : durationText(after.ms),
    repeat: repeatMs === null ? 'off' : durationText(repeatMs),
    routes: routes ?? 'all',
    quiet: quiet === null ? 'off' : `${clockText(quiet.from)}-${clockText(quiet.to)}`,
  };
}

function clockText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
