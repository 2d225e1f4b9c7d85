import { createHash } from 'node:crypto';
import type { AlertSettings, Route } from '../config/alerts.ts';
import { countText, messageOf } from '../errors.ts';
import type { RouteRow } from '../store/store.ts';
import { closeAlert, openAlert } from '../sync/alerts.ts';
import { doublingMs } from '../sync/backoff.ts';
import type { Engine } from '../sync/engine.ts';
import { createLoop, type Loop } from '../sync/loop.ts';
import { type Due, dueMessages, minuteIn } from './due.ts';
import { noticeOf } from './notice.ts';
import type { Sender } from './send.ts';

const restMs = 2_000;
/** Alerts that are looked at in one go, the oldest first. */
const mostAlerts = 2_000;
/** A route that failed so often in a row is told by the others. */
const failuresToTell = 3;

/**
 * Tells people of alerts by the configured routes. Each route goes its own way: one that fails is tried again with
 * growing rests and holds up no other. A message is noted once the route has taken it, so a crash in between may repeat
 * it and never loses it.
 */
export function createTelling(engine: Engine, settings: AlertSettings, sender: Sender): Loop {
  let known = false;
  return createLoop(engine, 'telling', async (signal) => {
    const { telling } = engine.store;
    if (!known) await telling.keepRoutes(settings.routes.map(({ name }) => name));
    known = true;
    if (settings.routes.length === 0) return restMs;
    const now = engine.clock.now();
    const due = dueMessages(await telling.untold(mostAlerts), {
      rules: settings.rules,
      routes: settings.routes.map(({ name }) => name),
      now,
      minute: minuteIn(engine.settings.timezone, now),
    });
    const rows = new Map((await telling.routes()).map((row) => [row.name, row]));
    await Promise.all(
      settings.routes.map((route) => {
        const own = due.filter((message) => message.route === route.name);
        return tellBy(engine, { route, row: rows.get(route.name) }, own, { settings, sender, signal });
      }),
    );
    return restMs;
  });
}

interface Means {
  settings: AlertSettings;
  sender: Sender;
  signal: AbortSignal;
}

async function tellBy(
  engine: Engine,
  { route, row }: { route: Route; row: RouteRow | undefined },
  due: readonly Due[],
  { settings, sender, signal }: Means,
): Promise<void> {
  const { telling } = engine.store;
  if (row?.retryAt != null && row.retryAt > engine.clock.now()) return;
  for (const message of due) {
    if (signal.aborted) return;
    const now = engine.clock.now();
    try {
      await sender.send(route, noticeOf(message, settings.rules, now), idOf(message), signal);
    } catch (error) {
      if (signal.aborted) return;
      await noteFailure(engine, route, row, messageOf(error));
      return;
    }
    const ids = message.alerts.map(({ id }) => id);
    await telling.noteTold(route.name, ids, message.tiding === 'resolved' ? 'over' : 'stands', now);
    await telling.noteRoute(route.name, { error: null }, now);
    if ((row?.failures ?? 0) > 0) await closeAlert(engine, 'route_failed', route.name);
    const facts = { route: route.name, kind: message.kind, alerts: ids.length };
    engine.log.info(facts, `told: ${message.tiding} ${message.kind} by ${route.name}`);
  }
}

async function noteFailure(
  engine: Engine,
  route: Route,
  row: RouteRow | undefined,
  error: string,
): Promise<void> {
  const failures = (row?.failures ?? 0) + 1;
  const now = engine.clock.now();
  const retryAt = now + doublingMs(failures, 30_000, 3_600_000);
  await engine.store.telling.noteRoute(route.name, { error, retryAt }, now);
  engine.log.warn({ route: route.name, error }, 'a message was not taken, and is tried again');
  if (failures < failuresToTell) return;
  await openAlert(engine, {
    channelId: null,
    kind: 'route_failed',
    subject: route.name,
    message: `alerts do not reach you by ${route.name}: ${countText(failures, 'message')} failed in a row: ${error}; mend alerts.routes.${route.name}, then: invsync alerts test ${route.name}`,
  });
}

/** The same for each attempt at a message, so that who takes it twice can know. */
function idOf({ route, tiding, kind, alerts }: Due): string {
  const facts = alerts.map(({ id, lastAt, resolvedAt }) => [
    id,
    tiding === 'repeated' ? lastAt : 0,
    resolvedAt,
  ]);
  const hash = createHash('sha256')
    .update(JSON.stringify([route, tiding, kind, facts]))
    .digest('hex');
  return `msg_${hash.slice(0, 32)}`;
}
