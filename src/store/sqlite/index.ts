import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Store, TellingStore } from '../store.ts';
import { asText } from './apply.ts';
import { foreignness, inodeOf, readMark, writeMark } from './epoch-mark.ts';
import { callerExecutor, type Executor, noExecutor, threadExecutor } from './executor.ts';
import { type Db, openForReading, openForWriting } from './open.ts';
import { type ArgsOf, type ResultOf, reads } from './operations.ts';
import { errorOf, failure } from './transact.ts';

export interface SqliteOptions {
  /** Folder of `invsync.db`; made when it is missing. */
  dataDir: string;
  /**
   * `own`: a thread owns the writing connection (daemon). `caller`: everything on the caller's thread. `none`: reads of
   * a database that is there, as it is; writing operations reject.
   */
  writer: 'own' | 'caller' | 'none';
  /** Repeatable chance for the simulation. */
  randomHex?: (bytes: number) => string;
  /** Only tests that prove the power-cut test ask for NORMAL. */
  synchronous?: 'FULL' | 'NORMAL';
}

/** Opens (and migrates) the store. Rejects with AppError `newer_database`, `not_durable` or `database`. */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const randomHex = options.randomHex ?? ((bytes: number) => randomBytes(bytes).toString('hex'));
  const open = {
    path: join(options.dataDir, 'invsync.db'),
    boot: randomHex(8),
    randomHex,
    ...(options.synchronous === undefined ? {} : { synchronous: options.synchronous }),
  };
  if (options.writer === 'caller') {
    const db = openForWriting(open);
    return storeOn(db, callerExecutor(db));
  }
  if (options.writer === 'none') return storeOn(openForReading(open), noExecutor());
  const { randomHex: _unsent, ...plain } = open;
  const executor = await threadExecutor(plain);
  return storeOn(openForReading(open), executor);
}

/** Runs the named operations: reads on the caller's thread, writes where the executor runs them. */
interface Hands {
  read<N extends keyof typeof reads>(
    name: N,
    ...args: ArgsOf<(typeof reads)[N]>
  ): Promise<ResultOf<(typeof reads)[N]>>;
  write: Executor['write'];
}

/** Claimed deliveries with their channels. */
type Claimed = Map<number, number>;

/** The note beside the database that tells a restored copy from the books of the last run. */
interface EpochMark {
  begin: Store['duties']['beginEpoch'];
  write: Store['duties']['markEpoch'];
}

function storeOn(db: Db, executor: Executor): Store {
  const hands: Hands = { read: readingOn(db), write: executor.write };
  const claimed: Claimed = new Map();
  // Another connection's commits move the one, our own the other.
  const versionNow = () => {
    const own = db.sql('select total_changes() as changes').get() as { changes: number };
    return `${String(db.raw.pragma('data_version', { simple: true }))}/${own.changes}`;
  };
  let seen = versionNow();
  let closed: Promise<void> | null = null;
  return {
    channels: channelsOn(hands),
    inbox: inboxOn(hands, claimed),
    orders: ordersOn(hands, claimed),
    stock: stockOn(hands),
    listings: listingsOn(hands),
    outbox: outboxOn(hands),
    reservations: reservationsOn(hands),
    duties: dutiesOn({ ...hands, tidy: () => executor.tidy(), mark: epochMarkOn(db, hands) }),
    telling: tellingOn(hands),
    reports: reportsOn(hands),
    rehearse: (steps, counterIds, now) => hands.write('rehearse', steps, counterIds, now),
    changedSince: () => {
      const version = versionNow();
      const changed = version !== seen;
      seen = version;
      return changed;
    },
    lost: executor.lost,
    close: () => {
      closed ??= executor.close().then(() => {
        if (db.raw.open) db.raw.close();
      });
      return closed;
    },
  };
}

function readingOn(db: Db): Hands['read'] {
  return (name, ...args) => {
    try {
      const operation = reads[name] as (db: Db, ...args: unknown[]) => unknown;
      const run = () => operation(db, ...args);
      const found = looseReads.has(name) ? run() : asOneRead(db, run);
      return Promise.resolve(found as ResultOf<(typeof reads)[typeof name]>);
    } catch (error) {
      const told = failure(error);
      return Promise.reject(told.code === 'defect' ? error : errorOf(told));
    }
  };
}

function epochMarkOn(db: Db, { read, write }: Hands): EpochMark {
  const path = db.raw.name;
  let marked = '';
  /** Written only when something moved. The books are on disk before the mark, which is never ahead of them. */
  const note = async (): Promise<void> => {
    const { token, ...progress } = await read('progressOf');
    if (token === null) return;
    const wanted = { token, next: null, ...progress, inode: inodeOf(path) };
    const text = JSON.stringify(wanted);
    if (text === marked) return;
    writeMark(path, wanted);
    marked = text;
  };
  return {
    write: note,
    begin: async (now) => {
      const known = readMark(path);
      const found = { ...(await read('progressOf')), inode: inodeOf(path) };
      const why = (await read('restoredNote')) ?? foreignness(known, found);
      const token = db.randomHex(16);
      // First the mark that allows for both tokens, then the database: a crash in between is no restore.
      if (found.token !== null) writeMark(path, { ...found, token: found.token, next: token });
      await write('setEpoch', token);
      const epoch = why === null ? null : { why, ...(await write('newEpoch', why, now)) };
      await note();
      return epoch;
    },
  };
}

function channelsOn({ read, write }: Hands): Store['channels'] {
  return {
    configure: (setups, now, textHash) => write('configureChannels', setups, now, textHash),
    configuredFrom: () => read('configuredFrom'),
    list: () => read('listChannels'),
    channel: (id) => read('channelById', id),
    bind: (channelId, accountId, now) => write('bindAccount', channelId, accountId, now),
    setMode: (name, mode, actor, now) => write('setMode', name, mode, actor, now),
    pause: (name, paused, actor, now) => write('pauseChannels', name, paused, actor, now),
    rename: (from, to, now) => write('renameChannel', from, to, now),
    removal: (name) => read('removal', name),
    remove: (name, orders, actor, now) => write('removeChannel', name, orders, actor, now),
    mark: (channelId, facts) => write('markChannel', channelId, facts),
    feeds: () => read('listFeeds'),
    feed: (channelId) => read('feedOf', channelId),
    markFeed: (channelId, facts) => write('markFeed', channelId, facts),
    vaultGet: (channelId, key) => read('vaultGet', channelId, key),
    vaultSet: (channelId, key, value) => write('vaultSet', channelId, key, value),
  };
}

function inboxOn({ read, write }: Hands, claimed: Claimed): Store['inbox'] {
  return {
    takeIn: (deliveries) => write('takeIn', deliveries),
    claim: async (limit, now) => {
      const rows = await read('claimable', claimed, limit, now);
      for (const row of rows) claimed.set(row.id, row.channelId);
      return rows;
    },
    fail: async (id, error, dueAt, now) => {
      await write('failDelivery', id, error, dueAt, now);
      claimed.delete(id);
    },
    defer: async (ids, why, dueAt) => {
      await write('deferDeliveries', ids, why, dueAt);
      for (const id of ids) claimed.delete(id);
    },
    setAside: async (ids, why) => {
      await write('setAside', ids, why);
      for (const id of ids) claimed.delete(id);
    },
    takeUp: (channelId, now) => write('takeUp', channelId, now),
    release: async (ids) => {
      for (const id of ids) claimed.delete(id);
    },
    replay: (filter, now) => write('replay', filter, now),
    dismiss: (ids, actor, now) => write('dismissDeliveries', ids, actor, now),
    list: (filter) => read('listDeliveries', filter),
    read: (filter) => read('readDeliveries', filter),
  };
}

function ordersOn({ read, write }: Hands, claimed: Claimed): Store['orders'] {
  return {
    apply: async (requests, now) => {
      const outcomes = await write('applyOrders', requests.map(asText), now);
      requests.forEach((request, index) => {
        const outcome = outcomes[index];
        if (request.delivery === null || outcome === undefined || 'failed' in outcome) return;
        if (!outcome.orders.some((order) => order.verdict === 'fetch')) claimed.delete(request.delivery.id);
      });
      return outcomes;
    },
    list: (filter) => read('listOrders', filter),
    unread: (channelId, readBefore, limit) => read('unreadOrders', channelId, readBefore, limit),
    missedWebhooks: (now, graceMs) => read('missedWebhooks', now, graceMs),
  };
}

function stockOn({ read, write }: Hands): Store['stock'] {
  return {
    change: (changes, actor, now) => write('changeStock', changes, actor, now),
    openLines: (sku, asOf, presumeGoneMs) => read('openLines', sku, asOf, presumeGoneMs),
    rename: (from, to, actor, now) => write('renameSku', from, to, actor, now),
    setAlert: (sku, below, actor, now) => write('setAlertBelow', sku, below, actor, now),
    oldestCount: () => read('oldestCount'),
    get: (sku) => read('getStock', sku),
    recognise: (texts) => read('recogniseSkus', texts),
    list: (filter) => read('listStock', filter),
  };
}

function listingsOn({ read, write }: Hands): Store['listings'] {
  return {
    upsert: (channelId, listings, now) => write('upsertListings', channelId, listings, now),
    finishWalk: (channelId, walkBegan) => write('finishWalk', channelId, walkBegan),
    gone: (channelId, listingIds) => write('markGone', channelId, listingIds),
    succeed: (channelId, actor, now) => write('succeedListings', channelId, actor, now),
    heirs: (channelId) => read('mappingsOfHeirs', channelId),
    sharedNumbers: (channelId, limit) => read('sharedNumbers', channelId, limit),
    refs: (channelId, refs) => read('listingRefs', channelId, refs),
    find: (channel, listing) => read('findListing', channel, listing),
    list: (filter) => read('listListings', filter),
    map: (listingRowId, parts, actor, now, reason) =>
      write('mapListing', listingRowId, parts, actor, now, reason),
    unmap: (listingRowId, actor, now) => write('unmapListing', listingRowId, actor, now),
    set: (listingRowId, settings, actor, now) => write('setListing', listingRowId, settings, actor, now),
    matches: (channel, create, limit) => read('matchListings', channel, create, limit),
    waitingSales: (filter, limit) => read('waitingSales', filter, limit),
    dismissSales: (channelId, orderIds, actor, now) => write('dismissSales', channelId, orderIds, actor, now),
    adopt: (channelId, name, now) => write('adoptListing', channelId, name, now),
    createSku: (sku, actor, now) => write('makeSku', sku, actor, now),
  };
}

function outboxOn({ read, write }: Hands): Store['outbox'] {
  return {
    due: (channelId, limit, now) => read('dueCounters', channelId, limit, now),
    begin: (plans, now) => write('beginPushes', plans, now),
    settle: (settlements, now) => write('settlePushes', settlements, now),
    read: (readings, now) => write('bookReadings', readings, now),
    doubts: (channelId) => read('doubtsOf', channelId),
    brake: (channelId, change) => write('changeBrake', channelId, change),
    touch: (counterIds, dueAt) => write('touchCounters', counterIds, dueAt),
    view: (counterIds, levels) => read('viewsOf', counterIds, levels),
    page: (channelId, afterId, limit, setup) => read('pageOfCounters', channelId, afterId, limit, setup),
    countersOf: (channelId, listingIds) => read('countersOfListings', channelId, listingIds),
    nextDueAt: (channelId) => read('nextDueAt', channelId),
    expireFlights: (channelId, now) => write('expireFlights', channelId, now),
    recover: () => write('recoverPushes'),
    list: (filter, now) => read('listPushes', filter, now),
    retry: (filter, now) => write('retryPushes', filter, now),
    actionsDue: (channelId, limit, now) => read('actionsDue', channelId, limit, now),
    settleAction: (id, outcome, dueAt, now) => write('settleAction', id, outcome, dueAt, now),
  };
}

function reservationsOn({ read, write }: Hands): Store['reservations'] {
  return {
    hold: (request, now) => write('hold', request, now),
    commit: (id, now) => write('endHold', id, 'committed', now),
    release: (id, now) => write('endHold', id, 'released', now),
    get: (id) => read('getReservation', id),
    list: (filter) => read('listHolds', filter),
    giveUp: (id, actor, now) => write('giveUpHold', id, actor, now),
    expire: (now) => write('expireHolds', now),
    extend: (ms) => write('extendHolds', ms),
  };
}

function dutiesOn({
  read,
  write,
  tidy,
  mark,
}: Hands & { tidy: Executor['tidy']; mark: EpochMark }): Store['duties'] {
  return {
    beginEpoch: mark.begin,
    markEpoch: mark.write,
    aheadBy: (now) => read('aheadBy', now),
    correctTimes: (now, by) => write('correctTimes', now, by),
    ask: (kind, args, now) => write('ask', kind, args, now),
    requestsWaiting: () => read('requestsWaiting'),
    request: (id) => read('requestById', id),
    updateRequest: (id, state, progress, result) => write('updateRequest', id, state, progress, result),
    schedule: (name) => read('scheduleOf', name),
    setSchedule: (name, dueAt, lastOkAt) => write('setSchedule', name, dueAt, lastOkAt),
    savePlan: (plan) => write('savePlan', plan),
    plan: (id) => read('planById', id),
    lastRun: () => read('lastRun'),
    closePlan: (id, state) => write('closePlan', id, state),
    raiseAlert: (alert, now) => write('raiseAlert', alert, now),
    resolveAlert: (kind, subject, now) => write('resolveAlert', kind, subject, now),
    alertStands: (kind, subject) => read('alertStands', kind, subject),
    alertsToReview: (now) => read('alertsToReview', now),
    reviewAlerts: (now, who) => write('reviewAlerts', now, who),
    alerts: (open, limit, filter) => read('listAlerts', open, limit, filter),
    alertCounts: () => read('alertCounts'),
    ackAlerts: (ids, actor, now) => write('ackAlerts', ids, actor, now),
    prune: (keepSince, limit, now) => write('prune', keepSince, limit, now),
    tidy: () => tidy(),
    check: async (deep) => [...(await write('checkWriter')), ...(await read('checkBooks', deep))],
    ping: (now) => write('ping', now),
  };
}

function tellingOn({ read, write }: Hands): TellingStore {
  return {
    untold: (limit) => read('untoldAlerts', limit),
    noteTold: (...told) => write('noteTold', ...told),
    routes: () => read('listRoutes'),
    noteRoute: (...outcome) => write('noteRoute', ...outcome),
    keepRoutes: (names) => write('keepRoutes', names),
  };
}

function reportsOn({ read, write }: Hands): Store['reports'] {
  return {
    status: () => read('statusCounts'),
    entries: (sku, at, limit) => read('entriesOf', sku, at, limit),
    ledger: (filter) => read('ledgerPage', filter),
    pushLog: (sku, channel, limit) => read('pushLog', sku, channel, limit),
    countersOfSku: (sku) => read('countersOfSku', sku),
    deeds: (subjects, limit) => read('listDeeds', subjects, limit),
    oversells: (filter) => read('listOversells', filter),
    resolveOversell: (id, as, actor, now) => write('resolveOversell', id, as, actor, now),
    audit: () => read('audit'),
  };
}

/**
 * Reads of the hot path need no common state: claiming looks at each delivery once more, and a long read beside a
 * busy writer would keep the log from starting over.
 */
const looseReads: ReadonlySet<string> = new Set(['claimable', 'listingRefs']);

/** Several statements of one read see one state of the books, whatever is committed in between. */
function asOneRead(db: Db, run: () => unknown): unknown {
  db.sql('begin').run();
  try {
    return run();
  } finally {
    if (db.raw.inTransaction) db.sql('rollback').run();
  }
}
