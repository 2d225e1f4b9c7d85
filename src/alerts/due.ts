import type { AlertRules, Quiet, Rule } from '../config/alerts.ts';
import type { AlertKind, AlertRow, UntoldAlert } from '../store/store.ts';

/** What a message says of its alerts. */
export type Tiding = 'opened' | 'repeated' | 'resolved';

/** A message that is due: alerts of one kind, by one route. */
export interface Due {
  route: string;
  tiding: Tiding;
  kind: AlertKind;
  alerts: AlertRow[];
}

interface Facts {
  rules: AlertRules;
  routes: readonly string[];
  now: number;
  /** Minutes after midnight where the merchant is. */
  minute: number;
}

/** After a message of a kind the next one of that kind waits for so long, so that a hundred causes are one message. */
const gatherMs = 60_000;

/**
 * The messages that are due now. Each names all alerts of its kind: what is new, what still stands after the time of its
 * rule, what is over. Nothing about a failed route goes by that route.
 */
export function dueMessages(found: readonly UntoldAlert[], facts: Facts): Due[] {
  const due = new Map<string, Due>();
  for (const each of found) {
    const rule = facts.rules[each.alert.kind];
    if (rule.quiet !== null && isQuiet(rule.quiet, facts.minute)) continue;
    for (const route of facts.routes) {
      if (each.alert.kind === 'route_failed' && each.alert.subject === route) continue;
      const tiding = tidingOf(each, rule, { route, now: facts.now });
      if (tiding === null) continue;
      const key = JSON.stringify([route, tiding, each.alert.kind]);
      const message = due.get(key) ?? { route, tiding, kind: each.alert.kind, alerts: [] };
      message.alerts.push(each.alert);
      due.set(key, message);
    }
  }
  return [...due.values()].filter((message) => !isTooSoon(message, found, facts.now));
}

function tidingOf(
  { alert, told }: UntoldAlert,
  rule: Rule,
  { route, now }: { route: string; now: number },
): Tiding | null {
  const known = told.find((each) => each.route === route);
  if (alert.resolvedAt !== null) return known === undefined ? null : 'resolved';
  if (rule.routes !== null && !rule.routes.includes(route)) return null;
  if (known !== undefined) {
    if (rule.repeatMs === null || alert.ackedAt !== null) return null;
    return now - known.lastAt >= rule.repeatMs ? 'repeated' : null;
  }
  if (alert.ackedAt !== null) return null;
  return now - alert.since >= rule.after.ms && alert.count >= rule.after.times ? 'opened' : null;
}

/** The first message of a kind leaves at once; what follows is gathered. What is over or repeated is not urgent. */
function isTooSoon({ route, tiding, kind }: Due, found: readonly UntoldAlert[], now: number): boolean {
  if (tiding !== 'opened') return false;
  const lately = found.flatMap(({ alert, told }) =>
    alert.kind === kind ? told.filter((each) => each.route === route).map((each) => each.firstAt) : [],
  );
  return lately.some((at) => now - at < gatherMs);
}

/** Within the hours? They may span midnight. */
export function isQuiet({ from, to }: Quiet, minute: number): boolean {
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** Minutes after midnight in a zone. */
export function minuteIn(timezone: string, now: number): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value ?? 0);
  return part('hour') * 60 + part('minute');
}
