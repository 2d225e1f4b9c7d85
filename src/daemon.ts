import { dropStaging } from './backup/restore.ts';
import { iso, systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { assemble, type Crew, type Occasion, stopDuties, withoutMoved } from './crew.ts';
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
import { correctAtStart } from './sync/duties/clock.ts';
import { beginEpoch } from './sync/duties/epoch.ts';
import type { Engine } from './sync/engine.ts';
import type { Receiver } from './sync/inbound/receive.ts';
import { alertJson, statusReport, stockReport } from './sync/status.ts';

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

/** The API shows so many, the newest. */
const mostAlerts = 1_000;

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
      alerts: async () => ({
        alerts: (await store.duties.alerts(true, mostAlerts)).map((row) =>
          alertJson(row, engine().settings.levels),
        ),
      }),
      metrics: createMetrics(() => metricsSamples(engine(), shifts.crew().receiver.counts())),
      reservations: store.reservations,
      hasChannel: (name) => [...engine().channels.values()].some((live) => live.name === name),
      moved: () => engine().wakes.push(null),
      page: (ask, caller) =>
        servePage(
          { store, clock: systemClock, token: config.admin.token, levels: engine().settings.levels, status },
          ask,
          caller,
        ),
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
