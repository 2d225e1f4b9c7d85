import { createAlertDuties, watched } from './alerts/duties.ts';
import { createBackups } from './backup/duty.ts';
import { type Composition, compose } from './compose.ts';
import type { Config } from './config/config.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';
import { createIdentification } from './sync/account/account.ts';
import { importAll } from './sync/account/catalogue.ts';
import { createWebhookUpkeep } from './sync/account/webhooks.ts';
import { createAlertUpkeep } from './sync/alerts.ts';
import { createActions } from './sync/duties/actions.ts';
import { createEpochMark } from './sync/duties/epoch.ts';
import { createExpiry } from './sync/duties/expire.ts';
import { requestHandlers } from './sync/duties/handlers.ts';
import { createPrune } from './sync/duties/prune.ts';
import { createRequests } from './sync/duties/requests.ts';
import { createSchedule } from './sync/duties/schedule.ts';
import { createStandings } from './sync/duties/standings.ts';
import { createTakeover } from './sync/duties/takeover.ts';
import { createWatch } from './sync/duties/watch.ts';
import type { Duty, Engine } from './sync/engine.ts';
import { createDoor } from './sync/inbound/door.ts';
import { createIngest } from './sync/inbound/ingest.ts';
import { createListening } from './sync/inbound/listen.ts';
import { createPoll } from './sync/inbound/poll.ts';
import { createReceiver, type Receiver } from './sync/inbound/receive.ts';
import { createPusher } from './sync/outbound/push.ts';
import { createGuardWatch } from './sync/reconcile/guard.ts';
import { createProofs } from './sync/reconcile/proof.ts';
import { type ReconcileTools, reconcile } from './sync/reconcile/reconcile.ts';
import { sentenceOf } from './sync/reconcile/result.ts';

/** Everything that works on one configuration; replaced as a whole by a reload. */
export interface Crew {
  composition: Composition;
  receiver: Receiver;
  duties: Duty[];
}

/** A start owes every channel a reconcile run; a new configuration does not. */
export type Occasion = 'start' | 'reload';

/** Builds the duties of a configuration; starts none. Deliveries may have been missed until now: every feed has a gap. */
export async function assemble(
  config: Config,
  ground: { store: Store; log: Log; version: string },
  { occasion, onStep, onChange }: { occasion: Occasion; onStep: () => void; onChange: () => void },
): Promise<Crew> {
  const composition = await compose(config, ground.store, { log: ground.log });
  const { engine } = composition;
  for (const id of engine.channels.keys())
    await engine.store.channels.markFeed(id, { gapAt: engine.clock.now() });
  const pusher = createPusher(engine, {
    onLow: (...low) => proofs.expectLow(...low),
    onDoubt: (...doubt) => proofs.expectDoubt(...doubt),
  });
  const proofs = createProofs(engine, { pusher });
  const tools = { pusher, onWait: proofs.expect };
  const ingest = createIngest(engine);
  const guard = createGuardWatch(engine, tools);
  // What becomes due on a held channel may be a lowering, which asks for a look at once.
  engine.wakes.onPush(() => guard.wake());
  const identification = createIdentification(engine);
  const requests = createRequests(engine, requestHandlers(engine, { ...tools, ingest }));
  const door = createDoor(engine);
  const telling = createAlertDuties(engine, config, ground.version);
  const reconciling = { engine, sender: telling.sender, url: config.alerts.deadMan };
  const duties: Duty[] = [
    ingest,
    createPoll(engine),
    createListening(engine, door),
    door,
    createAlertUpkeep(engine),
    createStandings(engine),
    pusher,
    createActions(engine),
    requests,
    identification,
    createTakeover(engine, { ...tools, owed: occasion === 'start' ? 'all' : 'none' }),
    guard,
    createEpochMark(engine),
    proofs,
    createWebhookUpkeep(engine),
    createExpiry(engine, onStep),
    createPrune(engine),
    createBackups(engine, config, ground.version),
    telling.duty,
    reconcileSchedule(reconciling, tools, occasion),
    catalogueSchedule(engine),
    createWatch(engine, () => {
      requests.wake();
      identification.wake();
      onChange();
    }),
  ];
  return { composition, receiver: createReceiver(engine, undefined, door), duties };
}

/**
 * Channels whose rows a command renamed or removed meanwhile: the configuration that goes on with the new rows and
 * without the removed ones; null while all are there.
 */
export async function withoutMoved(engine: Engine, config: Config): Promise<Config | null> {
  const rows = await engine.store.channels.list();
  const gone = [...engine.channels.values()].filter((live) => !rows.some((row) => row.id === live.id));
  if (gone.length === 0) return null;
  const removed = new Set(
    gone.filter((live) => !rows.some((row) => row.name === live.name)).map((live) => live.name),
  );
  engine.log.info(
    { channels: gone.map((live) => live.name) },
    'channels were renamed or removed: taken over',
  );
  return { ...config, channels: config.channels.filter((channel) => !removed.has(channel.name)) };
}

function reconcileSchedule(
  reconciling: Parameters<typeof watched>[0],
  tools: ReconcileTools,
  occasion: Occasion,
): Duty {
  const { engine } = reconciling;
  return createSchedule(engine, {
    name: 'reconcile',
    expression: engine.settings.schedule,
    timezone: engine.settings.timezone,
    // The run that every start makes stands for the one that was missed.
    missed: occasion === 'start' ? 'skip' : 'catch up',
    run: async (signal) => {
      const sentence = await watched(reconciling, signal, async () => {
        const wish = { channels: null, skus: null, dryRun: false, waitMs: 60_000 };
        const outcome = await reconcile(engine, tools, wish, signal);
        return { sentence: sentenceOf(outcome), failed: outcome.failed.length > 0 };
      });
      if (!signal.aborted) engine.log.info({}, sentence);
    },
  });
}

/** New and renamed listings are found daily; mapping them further than by an equal SKU stays a person's business. */
function catalogueSchedule(engine: Engine): Duty {
  return createSchedule(engine, {
    name: 'catalogue',
    expression: '23 4 * * *',
    timezone: engine.settings.timezone,
    run: (signal) => importAll(engine, signal),
  });
}

export async function stopDuties(crew: Crew): Promise<void> {
  await Promise.all(crew.duties.map((duty) => duty.stop()));
}
