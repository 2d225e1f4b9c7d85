import { spanText } from '../clock.ts';
import type { AlertRules } from '../config/alerts.ts';
import { countText } from '../errors.ts';
import type { AlertLevel } from '../store/store.ts';
import type { Due } from './due.ts';

/** A message as people read it: one line, and what stands below it. */
export interface Notice {
  /** For programs: `alert.opened`, `alert.repeated`, `alert.resolved`, `digest`, `test`. */
  type: string;
  level: AlertLevel;
  title: string;
  text: string;
  /** For programs: what it is about. */
  data: Record<string, unknown>;
}

/** So many are told one by one. */
const mostLines = 10;
/** No sentence is longer: a platform's answer may be a whole page. */
const longestLine = 600;

const openings = { opened: '', repeated: 'still ', resolved: 'over: ' } as const;

/** One message about alerts of one kind. */
export function noticeOf({ tiding, kind, alerts }: Due, rules: AlertRules, now: number): Notice {
  const { level } = rules[kind];
  const words = kind.replaceAll('_', ' ');
  const [first] = alerts;
  const about = alerts.length === 1 ? (first?.subject ?? '') : countText(alerts.length, 'case');
  const lines = alerts.slice(0, mostLines).map((alert) => {
    const age = spanText((alert.resolvedAt ?? now) - alert.since);
    const span = tiding === 'resolved' ? `(stood for ${age})` : tiding === 'repeated' ? `(since ${age})` : '';
    return `${tiding === 'resolved' ? 'Over: ' : ''}${clipped(alert.message)} ${span}`.trim();
  });
  const more = alerts.length - lines.length;
  if (more > 0) lines.push(`and ${more} more: invsync alerts list --kind ${kind}`);
  if (tiding !== 'resolved') {
    const ids = alerts.slice(0, mostLines).map(({ id }) => id);
    lines.push(
      `What it means and what to do: docs/alerts.md, "${kind}". Seen it: invsync alerts ack ${ids.join(' ')}`,
    );
  }
  return {
    type: `alert.${tiding}`,
    level,
    title: `[invsync ${level}] ${openings[tiding]}${words}: ${clipped(about)}`,
    text: lines.join('\n\n'),
    data: {
      kind,
      count: alerts.length,
      alerts: alerts.slice(0, 100).map((alert) => ({
        id: alert.id,
        channel: alert.channel,
        subject: alert.subject,
        message: clipped(alert.message),
        since: new Date(alert.since).toISOString(),
        resolved_at: alert.resolvedAt === null ? null : new Date(alert.resolvedAt).toISOString(),
      })),
    },
  };
}

/** What `alerts test` sends. */
export function testNotice(route: string): Notice {
  return {
    type: 'test',
    level: 'info',
    title: `[invsync test] alerts reach you by "${route}"`,
    text: 'Nothing is wrong. Somebody ran: invsync alerts test',
    data: { route },
  };
}

/** One line, however a platform worded it. */
function clipped(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ');
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}
