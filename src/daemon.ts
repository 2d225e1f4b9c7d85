import { createBackups } from './backup/duty.ts';
import { dropStaging } from './backup/restore.ts';
import { iso, systemClock } from './clock.ts';
import { type Composition, compose } from './compose.ts';
import type { Config } from './config/config.ts';
import { countText, messageOf } from './errors.ts';
import { createAdminListener } from './http/admin.ts';
import { createMetrics } from './http/metrics.ts';
import { createPublicListener } from './http/public.ts';
import { createLog, type Log } from './log.ts';
import { metricsSamples } from './metrics.ts';
import { servePage } from './page/page.ts';
import { openSqliteStore } from './store/sqlite/index.ts';
import { takeEngineLock } from './store/sqlite/lock.ts';
import { closeUp } from './store/sqlite/modes.ts';
import { beginRun } from './store/sqlite/run-mark.ts';
import type { Store } from './store/store.ts';
import { createIdentification } from './sync/account/account.ts';
import { importAll } from './sync/account/catalogue.ts';
import { createWebhookUpkeep } from './sync/account/webhooks.ts';
import { createAlertUpkeep } from './sync/alerts.ts';
import { createActions } from './sync/duties/actions.ts';
import { correctAtStart } from './sync/duties/clock.ts';
import { beginEpoch, createEpochMark } from './sync/duties/epoch.ts';
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
import { statusReport, stockReport } from './sync/status.ts';

/** A running daemon. */
export interface Daemon {
  publicUrl: string;
  adminUrl: string;
  /** Takes a new configuration; `data_dir` and the addresses need a restart, which it says in words. */
  reload(config: Config): Promise<string[]>;
  /** Resolves when a part has ended without which nothing can be stored: the process must end, and start again. */
  readonly lost: Promise<Error>;
  /** Drains and stops; a second stop is harmless. */
  stop(): Promise<void>;
}

/** Everything that works on one configuration; replaced as a whole by a reload. */
interface Crew {
  composition: Composition;
  receiver: Receiver;
  duties: Duty[];
}

/**
 * The composition root of `serve`: takes the engine lock, opens the store, starts both listeners and all duties. The
 * one place that knows store, channels, sync and http together.
 */
export async function startDaemon(
  config: Config,
  version: string,
  log: Log = createLog('info'),
): Promise<Daemon> {
  const lock = takeEngineLock(config.data_dir);
  const since = systemClock.now();
  let store: Store | null = null;
  tellWide(config.data_dir, log);
  dropStaging(config.data_dir);
  try {
    store = await openSqliteStore({ dataDir: config.data_dir, writer: 'own' });
    return await run(config, { version, log, since, store, release: () => lock.release() });
  } catch (error) {
    await store?.close();
    lock.release();
    throw error;
  }
}

/** What older versions, a copy or a loose umask left open to others is closed, with a word. */
function tellWide(dataDir: string, log: Log): void {
  const wide = closeUp(dataDir);
  const paths = (found: typeof wide) => found.map(({ path, mode }) => `${path} (${mode.toString(8)})`);
  const closed = paths(wide.filter(({ left }) => left === null));
  if (closed.length > 0) log.warn({ closed }, 'others could read these; now only their owner can');
  for (const each of wide)
    if (each.left !== null)
      log.warn(
        { path: each.path, why: each.left },
        'others than its owner can reach this: see invsync check',
      );
}

/** A start owes every channel a reconcile run; a new configuration does not. */
type Occasion = 'start' | 'reload';

interface Ground {
  version: string;
  log: Log;
  since: number;
  store: Store;
  release(): void;
}

/** The crew at work, and how it is replaced. */
interface Shifts {
  crew(): Crew;
  engine(): Engine;
  /** Replaces all duties, one change after the other. Everything they kept in memory is gone with them. */
  renew(next: Config, occasion: Occasion): Promise<void>;
  /** No change begins any more; resolves when the last one has ended. */
  end(): Promise<void>;
}

async function createShifts(config: Config, ground: Ground): Promise<Shifts> {
  const { log } = ground;
  let current = config;
  let changing: Promise<void> = Promise.resolve();
  let ended = false;
  let moving = false;
  const onStep = (): void => {
    renew(current, 'start').catch((error: unknown) =>
      log.error({ error: messageOf(error) }, 'the duties keep the times of a wrong clock: restart invsync'),
    );
  };
  const onChange = (): void => {
    if (moving) return;
    moving = true;
    changing
      .catch(() => undefined)
      .then(() => withoutMoved(crew.composition.engine, current))
      .then((next) => (next === null ? undefined : renew(next, 'reload')))
      .catch((error: unknown) =>
        log.error({ error: messageOf(error) }, 'a renamed channel is not taken over'),
      )
      .finally(() => {
        moving = false;
      });
  };
  const renew = (next: Config, occasion: Occasion): Promise<void> => {
    changing = changing
      .catch(() => undefined)
      .then(async () => {
        if (ended) return;
        const fresh = await assemble(next, ground, { occasion, onStep, onChange });
        const old = crew;
        crew = fresh;
        current = next;
        await stopDuties(old);
        await old.composition.close();
        for (const duty of fresh.duties) duty.start();
      });
    return changing;
  };
  let crew = await assemble(config, ground, { occasion: 'start', onStep, onChange });
  return {
    crew: () => crew,
    engine: () => crew.composition.engine,
    renew,
    end() {
      ended = true;
      return changing.catch(() => undefined);
    },
  };
}

async function run(config: Config, ground: Ground): Promise<Daemon> {
  const { store, log } = ground;
  const mark = beginRun(config.data_dir, ground.since);
  tellCutOff(log, mark.cutOff, await store.outbox.recover(systemClock.now()));
  let broken: string | null = null;
  const lost = store.lost.then((error) => {
    broken = messageOf(error);
    log.error({ error: broken }, 'ending: nothing can be stored any more');
    return error;
  });
  let stopped: Promise<void> | null = null;
  const shifts = await createShifts(config, ground);
  await beginEpoch(shifts.engine());
  await correctAtStart(shifts.engine());
  const listeners = await openListeners(config, ground, { shifts, broken: () => broken });
  for (const duty of shifts.crew().duties) duty.start();
  const { publicUrl, adminUrl } = listeners;
  log.info({ public: publicUrl, admin: adminUrl, version: ground.version }, 'serving');

  const stop = async () => {
    log.info({}, 'stopping');
    await shifts.end();
    await listeners.public.stop();
    await shifts.crew().receiver.drained();
    await stopDuties(shifts.crew());
    await listeners.admin.stop();
    await shifts.crew().composition.close();
    // The log keeps what does not fit into the database now; the next start reads it.
    await store.duties
      .markEpoch()
      .then(() => store.duties.tidy())
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the log was not emptied'));
    await store.close();
    mark.end();
    ground.release();
  };
  return {
    publicUrl,
    adminUrl,
    lost,
    reload: async (next) => {
      const notes = restartNotes(config, next);
      await shifts.renew(next, 'reload');
      return notes;
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** The run before did not end by itself: what that means for what was under way. */
function tellCutOff(log: Log, since: number | null, unknown: number): void {
  if (since === null) return;
  const read = `; ${countText(unknown, 'push', 'pushes')} had no answer yet and will be read first`;
  const cut = 'the last run was cut off (killed, power cut); nothing that was acknowledged is lost';
  log.warn({ since: iso(since) }, `${cut}${unknown === 0 ? '' : read}`);
}

/** Starts both listeners, or none. They outlive the crews: each call goes to the one at work. */
async function openListeners(
  config: Config,
  ground: Ground,
  { shifts, broken }: { shifts: Shifts; broken: () => string | null },
) {
  const { store, log } = ground;
  const { engine } = shifts;
  const receive: Receiver['receive'] = (name, request) => shifts.crew().receiver.receive(name, request);
  const self = { running: true, since: iso(ground.since), version: ground.version };
  const status = () => statusReport(store, self, systemClock.now());
  const open = createPublicListener({ clock: systemClock, log, receiver: { receive } }, config.server.listen);
  const admin = createAdminListener(
    {
      log,
      clock: systemClock,
      broken,
      ready: () => readiness(store),
      status,
      stock: (sku) => stockReport({ store }, sku),
      metrics: createMetrics(() => metricsSamples(engine(), shifts.crew().receiver.counts())),
      reservations: store.reservations,
      hasChannel: (name) => [...engine().channels.values()].some((live) => live.name === name),
      moved: () => engine().wakes.push(null),
      page: (ask, caller) =>
        servePage({ store, clock: systemClock, token: config.admin.token, status }, ask, caller),
    },
    { ...config.admin.listen, token: config.admin.token },
  );
  await open.start();
  try {
    await admin.start();
  } catch (error) {
    await open.stop();
    throw error;
  }
  return { public: open, admin, publicUrl: open.url, adminUrl: admin.url };
}

/** Builds the duties of a configuration; starts none. Deliveries may have been missed until now: every feed has a gap. */
async function assemble(
  config: Config,
  ground: Ground,
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
    reconcileSchedule(engine, tools, occasion),
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
async function withoutMoved(engine: Engine, config: Config): Promise<Config | null> {
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

function reconcileSchedule(engine: Engine, tools: ReconcileTools, occasion: Occasion): Duty {
  return createSchedule(engine, {
    name: 'reconcile',
    expression: engine.settings.schedule,
    timezone: engine.settings.timezone,
    // The run that every start makes stands for the one that was missed.
    missed: occasion === 'start' ? 'skip' : 'catch up',
    run: async (signal) => {
      const outcome = await reconcile(
        engine,
        tools,
        { channels: null, skus: null, dryRun: false, waitMs: 60_000 },
        signal,
      );
      if (!signal.aborted) engine.log.info({}, sentenceOf(outcome));
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

async function stopDuties(crew: Crew): Promise<void> {
  await Promise.all(crew.duties.map((duty) => duty.stop()));
}

async function readiness(
  store: Store,
): Promise<{ ready: boolean; checks: { name: string; ok: boolean; detail: string }[] }> {
  try {
    await store.duties.ping(systemClock.now());
    return { ready: true, checks: [{ name: 'database', ok: true, detail: 'writes reach the disk' }] };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ready: false, checks: [{ name: 'database', ok: false, detail }] };
  }
}

function restartNotes(before: Config, after: Config): string[] {
  const notes: string[] = [];
  if (before.data_dir !== after.data_dir) notes.push('data_dir changed: restart invsync to use it');
  const listen = (config: Config) => JSON.stringify([config.server.listen, config.admin]);
  if (listen(before) !== listen(after))
    notes.push('listening addresses or the admin token changed: restart invsync to use them');
  return notes;
}
