import type { WriteRecord } from '../kit/records.ts';
import type { Notifier } from './notifier.ts';
import { iso } from './order-view.ts';
import { type Counter, controlsOutOfStock, type Listing, type State, shownOf, unitsOf } from './state.ts';
import { revisionsPerDay, type Stock } from './stock.ts';
import { activeItem, endOf, wholeItem } from './trading-view.ts';
import { element, nodeAt, nodesAt, textAt, type XmlNode } from './xml.ts';

/**
 * Codes that the facts do not name (5, 37, 340, 515, 10009, 10012, 21916620, 21916799, 21919165, 21919188, 21919474,
 * 21920200) are from memory and not verified: no caller should lean on their exact value.
 */

/** One `Errors` container. `subject` names what it is about, as error parameters. */
export interface TradingError {
  code: number;
  short: string;
  long: string;
  severity: 'Error' | 'Warning';
  classification: 'RequestError' | 'SystemError';
  subject: Record<string, string>;
}

/** An error of the request. */
export function requestError(code: number, long: string, subject: Record<string, string> = {}): TradingError {
  return {
    code,
    short: long.split('. ')[0] ?? long,
    long,
    severity: 'Error',
    classification: 'RequestError',
    subject,
  };
}

/** What a call answers: elements after the acknowledgement, and errors, of which some may be warnings. */
export interface TradingResult {
  content: string[];
  errors: TradingError[];
  /** Some of the call was done although there are errors. */
  partly?: boolean;
  writes?: WriteRecord[];
}

/** One call; the node is the content of the request element. */
export type TradingCall = (request: XmlNode) => TradingResult;

interface Context {
  state: State;
  stock: Stock;
  notifier: Notifier;
}

const longestPage = 200;
const mostRows = 4;
const highest = 2 ** 31 - 1;

/** The Trading calls that this shop knows, by name (EBAY-4.2, EBAY-5.2, EBAY-5.3 and EBAY-2.6). */
export function tradingCalls(context: Context): Readonly<Record<string, TradingCall>> {
  return {
    GeteBayOfficialTime: () => done(),
    GetUser: () => getUser(context),
    GetMyeBaySelling: (request) => getActive(context, request),
    GetSellerList: (request) => getSellerList(context, request),
    GetItem: (request) => getItem(context, request),
    ReviseInventoryStatus: (request) => revise(context, request),
    GetUserPreferences: (request) => getPreferences(context, request),
    SetUserPreferences: (request) => setPreferences(context, request),
    SetNotificationPreferences: (request) => setNotifications(context, request),
    GetNotificationPreferences: () => getNotifications(context),
    GetNotificationsUsage: (request) => getUsage(context, request),
  };
}

function done(...content: string[]): TradingResult {
  return { content, errors: [] };
}

/** Ends a call. */
function refused(code: number, long: string, subject: Record<string, string> = {}): TradingResult {
  return { content: [], errors: [requestError(code, long, subject)] };
}

function getUser({ state }: Context): TradingResult {
  const user = element('User', [
    element('UserID', state.seller.username),
    element('EIASToken', state.seller.eiasToken),
    element('Status', 'Confirmed'),
  ]);
  return done(user);
}

// ------------------------------------------------------------------------------------------------------ reads

function pageIn(request: XmlNode, fallback: number): { size: number; page: number } | null {
  const size = Number(textAt(request, 'Pagination', 'EntriesPerPage') ?? fallback);
  const page = Number(textAt(request, 'Pagination', 'PageNumber') ?? 1);
  const fits =
    Number.isInteger(size) && size >= 1 && size <= longestPage && Number.isInteger(page) && page >= 1;
  return fits ? { size, page } : null;
}

function paged(listings: Listing[], { size, page }: { size: number; page: number }) {
  const pages = Math.ceil(listings.length / size);
  const result = element('PaginationResult', [
    element('TotalNumberOfPages', String(pages)),
    element('TotalNumberOfEntries', String(listings.length)),
  ]);
  return {
    part: listings.slice((page - 1) * size, page * size),
    result,
    more: page < pages,
    beyond: page > Math.max(1, pages),
  };
}

const badPage = () =>
  refused(37, 'Input data for tag <Pagination> is invalid or missing. Please check API documentation.');

/** Inventory listings show up here too (EBAY-4.2). */
function getActive({ state }: Context, request: XmlNode): TradingResult {
  const list = nodeAt(request, 'ActiveList');
  const wish = pageIn(list, 25);
  if (wish === null) return badPage();
  const live = [...state.listings.values()].filter(({ endedAt }) => endedAt === null);
  const { part, result, beyond } = paged(live, wish);
  if (beyond) return refused(340, 'Page number is out of range. Page number is out of range.');
  if (textAt(list, 'Include') === 'false') return done();
  const items = element(
    'ItemArray',
    part.map((listing) => activeItem(state, listing)),
  );
  return done(element('ActiveList', [items, result]));
}

const longestRangeMs = 121 * 86_400_000;

function rangeIn(request: XmlNode, name: string): { from: number; to: number } | null {
  const from = Date.parse(textAt(request, `${name}From`) ?? '');
  const to = Date.parse(textAt(request, `${name}To`) ?? '');
  return Number.isNaN(from) || Number.isNaN(to) || to < from || to - from > longestRangeMs
    ? null
    : { from, to };
}

/** A time range is mandatory, and so are pages. */
function getSellerList({ state }: Context, request: XmlNode): TradingResult {
  const starts = rangeIn(request, 'StartTime');
  const ends = rangeIn(request, 'EndTime');
  if (starts === null && ends === null) {
    return refused(
      37,
      'Input data for tag <StartTimeFrom> is invalid or missing. Give a range of at most 121 days.',
    );
  }
  const wish = textAt(request, 'Pagination', 'EntriesPerPage') === null ? null : pageIn(request, 25);
  if (wish === null) return badPage();
  const listings = [...state.listings.values()].filter((listing) => {
    const range = starts ?? ends;
    const at = starts === null ? endOf(state, listing) : listing.startedAt;
    return range !== null && at >= range.from && at <= range.to;
  });
  const { part, result, more, beyond } = paged(listings, wish);
  if (beyond) return refused(340, 'Page number is out of range. Page number is out of range.');
  const items = part.map((listing) => wholeItem(state, listing));
  const count = element('ReturnedItemCountActual', String(items.length));
  return done(result, element('HasMoreItems', String(more)), element('ItemArray', items), count);
}

function getItem({ state }: Context, request: XmlNode): TradingResult {
  const itemId = textAt(request, 'ItemID') ?? '';
  const listing = state.listings.get(itemId);
  if (listing === undefined) return refused(17, unreachable, { ItemID: itemId });
  return done(wholeItem(state, listing));
}

const unreachable =
  'This item cannot be accessed because the listing has been deleted, is a Half.com listing, or you are not the seller.';

// ----------------------------------------------------------------------------------------------------- writes

/** What a row addresses, or why it cannot be done. */
function counterOf({ state }: Context, row: XmlNode): Counter | TradingError {
  const itemId = textAt(row, 'ItemID');
  const sku = textAt(row, 'SKU') ?? '';
  // A SKU alone only works where the listing is tracked by it, which none here is (EBAY-5.2).
  if (itemId === null) return requestError(21916884, 'The item could not be found by its SKU.', { SKU: sku });
  const listing = state.listings.get(itemId);
  const subject = { ItemID: itemId, ...(sku === '' ? {} : { SKU: sku }) };
  if (listing === undefined) return requestError(17, unreachable, subject);
  if (listing.endedAt !== null) {
    return requestError(21916750, 'You are not allowed to revise an ended item.', subject);
  }
  if (listing.model === 'inventory') {
    const text =
      'Inventory-based listing management is not currently supported by this tool. Please refer to the tool used to create this listing.';
    return requestError(21919474, text, subject);
  }
  if (listing.auction) return requestError(37, 'The call takes fixed-price listings only.', subject);
  const found = listing.multi
    ? listing.counters.find((counter) => counter.sku !== null && counter.sku === sku)
    : listing.counters.find((counter) => sku === '' || counter.sku === sku);
  return found ?? requestError(21916799, 'SKU Mismatch. The SKU does not exist in the listing.', subject);
}

/** Up to four rows; quantities are units available, and each row stands for itself (EBAY-5.2). */
function revise(context: Context, request: XmlNode): TradingResult {
  const rows = nodesAt(request, 'InventoryStatus');
  if (rows.length < 1 || rows.length > mostRows) {
    return refused(
      37,
      `Input data for tag <InventoryStatus> is invalid or missing. One to ${mostRows} are allowed.`,
    );
  }
  const errors: TradingError[] = [];
  const content: string[] = [];
  const writes: WriteRecord[] = [];
  // All rows of one listing are one revision (EBAY-5.4).
  const revised = new Map<Listing, boolean>();
  for (const row of rows) {
    const counter = counterOf(context, row);
    if (!('sold' in counter)) {
      errors.push(counter);
      continue;
    }
    const outcome = reviseRow(context, row, counter, revised);
    if (outcome.error !== null) errors.push(outcome.error);
    else content.push(statusOf(counter));
    if (outcome.write !== null) writes.push(outcome.write);
  }
  return { content, errors, partly: content.length > 0, writes };
}

/** All four elements come back, whatever was sent. */
function statusOf(counter: Counter): string {
  return element('InventoryStatus', [
    element('ItemID', counter.listing?.itemId ?? ''),
    element('SKU', counter.sku ?? ''),
    element('StartPrice', '10.0', ' currencyID="USD"'),
    element('Quantity', String(unitsOf(counter))),
  ]);
}

function reviseRow(
  context: Context,
  row: XmlNode,
  counter: Counter,
  revised: Map<Listing, boolean>,
): { error: TradingError | null; write: WriteRecord | null } {
  const { state, stock } = context;
  const { listing } = counter;
  const quantity = Number(textAt(row, 'Quantity') ?? Number.NaN);
  const subject = { ItemID: listing?.itemId ?? '', ...(counter.sku === null ? {} : { SKU: counter.sku }) };
  const error = (code: number, text: string) => requestError(code, text, subject);
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > highest) {
    return { error: error(515, 'The quantity must be a valid whole number.'), write: null };
  }
  const from = shownOf(counter);
  const note = (applied: boolean) =>
    state.records.write({ sku: counter.sku ?? '', from, to: quantity, applied, answered: false, key: null });
  if (listing !== null && !revised.has(listing)) revised.set(listing, stock.revise(listing));
  if (listing !== null && revised.get(listing) === false) {
    const text = `The listing may be revised up to ${revisionsPerDay} times in one calendar day.`;
    return { error: error(21919165, text), write: note(false) };
  }
  if (quantity > counter.available && state.faults.hits('selling_limit')) {
    return { error: error(21919188, 'You have reached your selling limit.'), write: note(false) };
  }
  // EBAY-5.3: with the option off, 0 for one variation is rejected, or the variation is gone.
  if (quantity === 0 && listing?.multi === true && !controlsOutOfStock(state) && !state.random.chance(0.5)) {
    return { error: error(21916620, 'Variations with quantity 0 are not allowed.'), write: note(false) };
  }
  const lagMs = state.faults.dueMs('read_lag');
  if (lagMs !== null) counter.stale = { shown: unitsOf(counter), until: state.now() + lagMs };
  stock.put(counter, quantity, null);
  const write = note(true);
  if (quantity === 0 && listing?.multi === true && !controlsOutOfStock(state)) {
    listing.counters = listing.counters.filter((other) => other !== counter);
    counter.listing = null;
    if (listing.counters.length === 0) stock.end(listing);
  }
  return { error: null, write };
}

// ------------------------------------------------------------------------------------------------ preferences

function getPreferences({ state }: Context, request: XmlNode): TradingResult {
  if (textAt(request, 'ShowOutOfStockControlPreference') !== 'true') return done();
  return done(element('OutOfStockControlPreference', String(controlsOutOfStock(state))));
}

/** Switching the option on ends the fault of that name. */
function setPreferences({ state }: Context, request: XmlNode): TradingResult {
  const wanted = textAt(request, 'OutOfStockControlPreference');
  if (wanted !== null) state.outOfStockControl = wanted === 'true';
  if (wanted === 'true') state.faults.arm({ name: 'out_of_stock_control_off', count: 0 });
  return done();
}

function setNotifications({ notifier }: Context, request: XmlNode): TradingResult {
  const { soap } = notifier;
  const url = textAt(request, 'ApplicationDeliveryPreferences', 'ApplicationURL');
  const enable = textAt(request, 'ApplicationDeliveryPreferences', 'ApplicationEnable');
  if (url !== null) soap.url = url;
  if (enable !== null) soap.enabled = enable === 'Enable';
  if (enable === 'Enable') soap.failedInRow = 0;
  for (const entry of nodesAt(nodeAt(request, 'UserDeliveryPreferenceArray'), 'NotificationEnable')) {
    const event = textAt(entry, 'EventType') ?? '';
    if (textAt(entry, 'EventEnable') === 'Enable') soap.events.add(event);
    else soap.events.delete(event);
  }
  return done();
}

function getNotifications({ notifier }: Context): TradingResult {
  const { soap } = notifier;
  const application = element('ApplicationDeliveryPreferences', [
    element('ApplicationEnable', soap.enabled ? 'Enable' : 'Disable'),
    ...(soap.url === null ? [] : [element('ApplicationURL', soap.url)]),
    element('DeviceType', 'Platform'),
  ]);
  const events = [...soap.events].map((event) =>
    element('NotificationEnable', [element('EventType', event), element('EventEnable', 'Enable')]),
  );
  return done(application, element('UserDeliveryPreferenceArray', events));
}

/** Within the last 72 hours, in sum (EBAY-2.6). */
function getUsage({ state, notifier }: Context, request: XmlNode): TradingResult {
  const start = Date.parse(textAt(request, 'StartTime') ?? '');
  if (!Number.isNaN(start) && start < state.now() - 72 * 3_600_000) {
    return refused(37, 'Input data for tag <StartTime> is invalid or missing. It must lie within 72 hours.');
  }
  const { soap } = notifier;
  const statistics = element('NotificationStatistics', [
    element('DeliveredCount', String(soap.delivered)),
    element('QueuedNewCount', '0'),
    element('QueuedPendingCount', '0'),
    element('ExpiredCount', '0'),
    element('ErrorCount', String(soap.failed)),
  ]);
  return done(element('StartTime', iso(state.now() - 72 * 3_600_000)), statistics);
}
