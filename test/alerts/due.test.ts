import { describe, expect, test } from 'vitest';
import { isNarrow } from '../../src/alerts/disk.ts';
import { dueMessages, isQuiet, minuteIn } from '../../src/alerts/due.ts';
import { noticeOf } from '../../src/alerts/notice.ts';
import { rulesWith } from '../../src/config/alerts.ts';
import {
  type AlertKind,
  type AlertRow,
  alertLevels,
  type Told,
  type UntoldAlert,
} from '../../src/store/store.ts';

const minute = 60_000;
const hour = 60 * minute;
const rules = rulesWith();
const kinds = Object.keys(alertLevels) as AlertKind[];

function alert(kind: AlertKind, changes: Partial<AlertRow> = {}): AlertRow {
  return {
    id: 1,
    channel: 'shop',
    kind,
    subject: 'shop',
    message: 'something; mend it: invsync check',
    since: 0,
    lastAt: 0,
    count: 1,
    ackedAt: null,
    resolvedAt: null,
    ...changes,
  };
}

const told = (lastAt: number, route = 'mail'): Told => ({ route, firstAt: lastAt, lastAt });

function tidings(found: UntoldAlert[], now: number, facts: Partial<Parameters<typeof dueMessages>[1]> = {}) {
  return dueMessages(found, { rules, routes: ['mail'], now, minute: 12 * 60, ...facts }).map(
    ({ route, tiding, kind, alerts }) => `${route} ${tiding} ${kind} ${alerts.length}`,
  );
}

describe('the rule of', () => {
  test.each(kinds)(
    '%s fires once it has stood long enough, repeats while it stands, and says when it is over',
    (kind) => {
      const rule = rules[kind];
      const row = alert(kind);
      const { ms } = rule.after;
      if (ms > 0) expect(tidings([{ alert: row, told: [] }], ms - 1)).toEqual([]);
      expect(tidings([{ alert: row, told: [] }], ms)).toEqual([`mail opened ${kind} 1`]);
      const known = [{ alert: row, told: [told(ms)] }];
      expect(tidings(known, ms + 1)).toEqual([]);
      const later = ms + (rule.repeatMs ?? 400 * 24 * hour);
      expect(tidings(known, later)).toEqual(rule.repeatMs === null ? [] : [`mail repeated ${kind} 1`]);
      const over = [{ alert: alert(kind, { resolvedAt: ms + 5 }), told: [told(ms)] }];
      expect(tidings(over, ms + 6)).toEqual([`mail resolved ${kind} 1`]);
    },
  );
});

describe('a message', () => {
  test('that was never sent is not resolved either', () => {
    expect(tidings([{ alert: alert('oversell', { resolvedAt: 5 }), told: [] }], 6)).toEqual([]);
  });

  test('of an acknowledged alert is not repeated, and says when it is over', () => {
    const seen = { ackedAt: 1 };
    expect(tidings([{ alert: alert('oversell', seen), told: [told(0)] }], 7 * hour)).toEqual([]);
    expect(tidings([{ alert: alert('oversell', seen), told: [] }], 7 * hour)).toEqual([]);
    const over = alert('oversell', { ...seen, resolvedAt: 2 });
    expect(tidings([{ alert: over, told: [told(0)] }], 3)).toEqual(['mail resolved oversell 1']);
  });

  test('names all causes of its kind, and gathers those of the next minute', () => {
    const many = [1, 2, 3].map((id) => ({ alert: alert('oversell', { id }), told: [] as Told[] }));
    expect(tidings(many, 0)).toEqual(['mail opened oversell 3']);
    const next = [{ alert: alert('oversell', { id: 1 }), told: [told(0)] }, ...many.slice(1)];
    expect(tidings(next, minute - 1)).toEqual([]);
    expect(tidings(next, minute)).toEqual(['mail opened oversell 2']);
  });

  test('goes by each route that does not know, and only by those of its rule', () => {
    const found = [{ alert: alert('oversell'), told: [told(0, 'mail')] }];
    expect(tidings(found, 1, { routes: ['mail', 'chat'] })).toEqual(['chat opened oversell 1']);
    const own = rulesWith({ oversell: { routes: ['chat'] } });
    const fresh = [{ alert: alert('oversell'), told: [] }];
    expect(tidings(fresh, 1, { routes: ['mail', 'chat'], rules: own })).toEqual(['chat opened oversell 1']);
    const none = rulesWith({ oversell: { routes: [] } });
    expect(tidings(fresh, 1, { rules: none })).toEqual([]);
  });

  test('about a failed route does not go by that route', () => {
    const found = [{ alert: alert('route_failed', { subject: 'mail' }), told: [] }];
    expect(tidings(found, 1, { routes: ['mail', 'chat'] })).toEqual(['chat opened route_failed 1']);
  });

  test('that is to come three times waits for the third', () => {
    const thrice = rulesWith({ order_warning: { after: { ms: 0, times: 3 } } });
    const came = (count: number) => [{ alert: alert('order_warning', { count }), told: [] }];
    expect(tidings(came(2), 1, { rules: thrice })).toEqual([]);
    expect(tidings(came(3), 1, { rules: thrice })).toEqual(['mail opened order_warning 1']);
  });

  test('of a warning waits for the end of the quiet hours, an error does not', () => {
    const quiet = rulesWith({}, { from: 22 * 60, to: 7 * 60 });
    const both = [
      { alert: alert('low_stock'), told: [] },
      { alert: alert('oversell', { id: 2 }), told: [] },
    ];
    expect(tidings(both, 1, { rules: quiet, minute: 3 * 60 })).toEqual(['mail opened oversell 1']);
    expect(tidings(both, 1, { rules: quiet, minute: 7 * 60 })).toHaveLength(2);
  });

  test('reads as words, with what mends it, and is bounded', () => {
    const alerts = Array.from({ length: 14 }, (_, at) =>
      alert('oversell', { id: at + 1, message: `order ${at}\u001b[31m wants 1 more` }),
    );
    const notice = noticeOf({ route: 'mail', tiding: 'opened', kind: 'oversell', alerts }, rules, minute);
    expect(notice.title).toBe('[invsync error] oversell: 14 cases');
    expect(notice.text).toContain('and 4 more: invsync alerts list --kind oversell');
    expect(notice.text).toContain('docs/alerts.md, "oversell"');
    expect(notice.text).not.toContain('\u001b');
    const [first] = alerts;
    const over = { ...(first as AlertRow), resolvedAt: 3 * hour };
    const end = noticeOf(
      { route: 'mail', tiding: 'resolved', kind: 'oversell', alerts: [over] },
      rules,
      4 * hour,
    );
    expect(end.title).toBe('[invsync error] over: oversell: shop');
    expect(end.text).toContain('(stood for 3h)');
  });
});

describe('quiet hours', () => {
  test.each([
    { from: 60, to: 120, quiet: [60, 119], loud: [59, 120] },
    { from: 1_320, to: 420, quiet: [1_320, 0, 419], loud: [1_319, 420] },
  ])('from $from to $to hold from their first minute to before their last', ({ from, to, quiet, loud }) => {
    expect(quiet.filter((at) => !isQuiet({ from, to }, at))).toEqual([]);
    expect(loud.filter((at) => isQuiet({ from, to }, at))).toEqual([]);
  });

  test('are those of the merchant, in summer and in winter', () => {
    expect(minuteIn('Europe/Berlin', Date.UTC(2026, 6, 1, 10, 5))).toBe(12 * 60 + 5);
    expect(minuteIn('Europe/Berlin', Date.UTC(2026, 11, 1, 23, 5))).toBe(5);
  });
});

describe('a disk', () => {
  const gib = 1024 ** 3;
  test.each([
    ['a large one with 40 GiB', 40, 1_000, false],
    ['a large one with 4 GiB', 4, 1_000, true],
    ['a small one with 2 GiB', 2, 20, false],
    ['any with less than 1 GiB', 0.9, 10, true],
  ])('%s free is narrow: %s of %s: %s', (_, free, total, narrow) => {
    expect(isNarrow({ free: free * gib, total: total * gib })).toBe(narrow);
  });
});
