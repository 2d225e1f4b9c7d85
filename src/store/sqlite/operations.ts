import { bindAccount, removal, removeChannel, renameChannel } from './account.ts';
import { actionsDue, settleAction } from './actions.ts';
import {
  ackAlerts,
  alertCounts,
  alertStands,
  alertsToReview,
  listAlerts,
  raiseAlert,
  resolveAlert,
  reviewAlerts,
} from './alerts.ts';
import { applyOrders } from './apply.ts';
import { changeBrake, doubtsOf } from './brakes.ts';
import {
  channelById,
  configureChannels,
  configuredFrom,
  feedOf,
  listChannels,
  listFeeds,
  markChannel,
  markFeed,
  pauseChannels,
  setMode,
  vaultGet,
  vaultSet,
} from './channels.ts';
import { aheadBy, correctTimes } from './clock.ts';
import { changeStock } from './count.ts';
import { listDeeds } from './deeds.ts';
import { resolveOversell } from './docket.ts';
import {
  ask,
  checkBooks,
  checkWriter,
  closePlan,
  lastRun,
  ping,
  planById,
  requestById,
  requestsWaiting,
  savePlan,
  scheduleOf,
  setSchedule,
  updateRequest,
} from './duties.ts';
import { newEpoch, progressOf, restoredNote, setEpoch } from './epoch.ts';
import {
  claimable,
  deferDeliveries,
  dismissDeliveries,
  failDelivery,
  listDeliveries,
  readDeliveries,
  replay,
  setAside,
  takeIn,
  takeUp,
} from './inbox.ts';
import { findListing, listingRefs, listListings, matchListings, sharedNumbers } from './listings.ts';
import { setAlertBelow } from './low.ts';
import { makeSku, mapListing, setListing, unmapListing } from './mapping.ts';
import { missedWebhooks } from './missed.ts';
import {
  beginPushes,
  bookReadings,
  countersOfListings,
  dueCounters,
  expireFlights,
  nextDueAt,
  pageOfCounters,
  recoverPushes,
  settlePushes,
  touchCounters,
} from './outbox.ts';
import { prune } from './prune.ts';
import { listPushes, retryPushes } from './push-list.ts';
import { rehearse } from './rehearse.ts';
import {
  audit,
  countersOfSku,
  entriesOf,
  getStock,
  ledgerPage,
  listOrders,
  listOversells,
  listStock,
  oldestCount,
  openLines,
  pushLog,
  unreadOrders,
} from './reports.ts';
import {
  endHold,
  expireHolds,
  extendHolds,
  getReservation,
  giveUpHold,
  hold,
  listHolds,
} from './reservations.ts';
import { recogniseSkus, renameSku } from './sku.ts';
import { statusCounts } from './status-counts.ts';
import { keepRoutes, listRoutes, noteRoute, noteTold, untoldAlerts } from './telling.ts';
import { dismissSales, waitingSales } from './unmapped.ts';
import { viewsOf } from './views.ts';
import {
  adoptListing,
  finishWalk,
  mappingsOfHeirs,
  markGone,
  succeedListings,
  upsertListings,
} from './walk.ts';

/** Operations that write: each runs inside one transaction of the writing connection. */
export const writes = {
  takeIn,
  deferDeliveries,
  failDelivery,
  setAside,
  takeUp,
  dismissDeliveries,
  replay,
  applyOrders,
  changeStock,
  renameSku,
  upsertListings,
  finishWalk,
  markGone,
  succeedListings,
  adoptListing,
  dismissSales,
  mapListing,
  unmapListing,
  setListing,
  makeSku,
  beginPushes,
  settlePushes,
  bookReadings,
  changeBrake,
  touchCounters,
  expireFlights,
  recoverPushes,
  retryPushes,
  settleAction,
  hold,
  endHold,
  giveUpHold,
  expireHolds,
  extendHolds,
  configureChannels,
  bindAccount,
  setMode,
  pauseChannels,
  renameChannel,
  removeChannel,
  markChannel,
  markFeed,
  vaultSet,
  newEpoch,
  setEpoch,
  correctTimes,
  ask,
  updateRequest,
  setSchedule,
  savePlan,
  closePlan,
  raiseAlert,
  resolveAlert,
  reviewAlerts,
  ackAlerts,
  noteTold,
  noteRoute,
  keepRoutes,
  setAlertBelow,
  prune,
  resolveOversell,
  ping,
  rehearse,
  checkWriter,
} as const;

/** Operations that only read: they run on a connection of the caller's thread. */
export const reads = {
  progressOf,
  restoredNote,
  aheadBy,
  claimable,
  listDeliveries,
  readDeliveries,
  configuredFrom,
  listChannels,
  channelById,
  removal,
  listFeeds,
  feedOf,
  vaultGet,
  listingRefs,
  sharedNumbers,
  mappingsOfHeirs,
  waitingSales,
  findListing,
  listListings,
  matchListings,
  dueCounters,
  nextDueAt,
  viewsOf,
  pageOfCounters,
  doubtsOf,
  countersOfListings,
  listPushes,
  actionsDue,
  getReservation,
  listHolds,
  requestsWaiting,
  requestById,
  scheduleOf,
  lastRun,
  planById,
  listAlerts,
  alertCounts,
  alertStands,
  alertsToReview,
  untoldAlerts,
  listRoutes,
  statusCounts,
  entriesOf,
  listDeeds,
  countersOfSku,
  ledgerPage,
  pushLog,
  listOversells,
  listOrders,
  unreadOrders,
  missedWebhooks,
  getStock,
  recogniseSkus,
  listStock,
  oldestCount,
  openLines,
  audit,
  checkBooks,
} as const;

export type Writes = typeof writes;
export type WriteName = keyof Writes;

/** The arguments of an operation after its connection. */
export type ArgsOf<F> = F extends (db: infer _Db, ...args: infer A) => unknown ? A : never;
export type ResultOf<F> = F extends (...args: never[]) => infer R ? R : never;

/** One operation on its way to the writing connection. */
export interface WriteCall {
  name: WriteName;
  args: unknown[];
}
