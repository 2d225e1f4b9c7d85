import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import { bad, need } from './call.ts';
import { momentIn, wholeSecond } from './moment.ts';
import { beforeDispatch, type Item, isCancelled, type Shipment, type Site } from './site.ts';

/** What a shipment filter asks for (FK-5.1, last verified 2026-11). */
export type Filter = ReturnType<typeof filterIn>;

/** What each type of filter may ask for; COMPLETED is in none of them. */
const statesOf = {
  preDispatch: beforeDispatch as readonly string[],
  postDispatch: ['SHIPPED', 'DELIVERED', 'PICKUP_COMPLETE'],
  cancelled: ['CANCELLED'],
};
type Kind = keyof typeof statesOf;

const cancellers = ['sellerCancellation', 'buyerCancellation', 'marketplaceCancellation'];
/** Larger pages are cut to this size without a word; the number itself is from memory (FK-5.1). */
const longestPage = 20;

const dates: Record<string, (shipment: Shipment) => number | null> = {
  orderDate: ({ placedAt }) => placedAt,
  modifiedDate: ({ updatedAt }) => updatedAt,
  dispatchAfterDate: ({ dispatchAfter }) => dispatchAfter,
  dispatchByDate: ({ dispatchBy }) => dispatchBy,
  /** When the last of its items was called off. */
  cancellationDate({ items }) {
    const times = items.flatMap(({ cancelled }) => cancelled?.at ?? []);
    return times.length === 0 ? null : Math.max(...times);
  },
};

type Test = (shipment: Shipment) => boolean;

/** Reads the body of a filter call. Throws Problem 400. */
export function filterIn(site: Site, body: unknown) {
  const { filter, pagination, sort } = tableOf(body);
  const wish = tableOf(filter);
  const kind = wish['type'];
  need(isKind(kind), 'filter.type must be preDispatch, postDispatch or cancelled');
  const tests = [
    stateTest(kind, wish['states']),
    holdTest(kind, wish['hold']),
    cancellerTest(kind, wish['cancellationType']),
    profileTest(wish['serviceProfiles']),
    ...Object.entries(otherTests).flatMap(([name, test]) =>
      wish[name] === undefined ? [] : test(wish[name]),
    ),
    ...Object.entries(dates).flatMap(([name, when]) => rangeTest(name, wish[name], when)),
  ];
  const misplaced = kind !== 'cancelled' && wish['cancellationDate'] !== undefined;
  need(!misplaced, 'cancellationDate is allowed for type cancelled only');
  const { field = 'modifiedDate', order = 'asc' } = tableOf(sort);
  const when = dates[textOf(field)] ?? bad(`sort.field ${String(field)} is not supported`);
  need(order === 'asc' || order === 'desc', 'sort.order must be asc or desc');
  const size = tableOf(pagination)['pageSize'] ?? longestPage;
  const isSize = typeof size === 'number' && Number.isInteger(size) && size >= 1;
  need(isSize, 'pagination.pageSize must be a positive integer');
  return {
    pageSize: Math.min(size, longestPage),
    fits: (shipment: Shipment) =>
      shipment.searchableAt <= site.now() && tests.every((test) => test(shipment)),
    /** The key that the list is sorted by, whole seconds. */
    key: (shipment: Shipment) => wholeSecond(when(shipment) ?? 0),
    ascending: order === 'asc',
  };
}

function isKind(value: unknown): value is Kind {
  return typeof value === 'string' && Object.hasOwn(statesOf, value);
}

function stateTest(kind: Kind, value: unknown): Test {
  const allowed = statesOf[kind];
  const states = value === undefined ? allowed : listOf(value);
  const stranger = states.find((state) => !allowed.includes(String(state)));
  const fits = states.length > 0 && stranger === undefined;
  need(fits, `filter.states ${String(stranger)} does not fit type ${kind}`);
  // A shipment of which an item was called off is in both lists, with all of its items.
  if (kind === 'cancelled') return ({ items }) => items.some(({ cancelled }) => cancelled !== null);
  return (shipment) => !isCancelled(shipment) && states.includes(shipment.stage);
}

/** Held ones are invisible unless asked for (FK-5.1). */
function holdTest(kind: Kind, value: unknown): Test {
  if (kind !== 'preDispatch') {
    need(value === undefined, 'filter.hold is allowed for type preDispatch only');
    return () => true;
  }
  const hold = value ?? false;
  need(typeof hold === 'boolean', 'filter.hold must be a boolean');
  return (shipment) => shipment.hold === hold;
}

function cancellerTest(kind: Kind, value: unknown): Test {
  if (kind !== 'cancelled') return () => true;
  need(cancellers.includes(String(value)), `filter.cancellationType must be one of ${cancellers.join(', ')}`);
  return (shipment) => shipment.items.some((item) => item.cancelled?.by === value);
}

function profileTest(value: unknown): Test {
  const profiles = value === undefined ? ['NON_FBF'] : listOf(value);
  const known = profiles.every((one) => ['FBF', 'NON_FBF', 'FBF_LITE'].includes(String(one)));
  need(known, 'filter.serviceProfiles has an unknown value');
  return (shipment) => profiles.includes(shipment.profile);
}

const otherTests: Record<string, (wanted: unknown) => Test> = {
  locationId: (wanted) => (shipment) => shipment.location === wanted,
  sku: (wanted) => (shipment) => shipment.items.some(({ listing }) => listOf(wanted).includes(listing.sku)),
  mps: (wanted) => (shipment) => isMps(shipment.items) === wanted,
  shipmentTypes: (wanted) => (shipment) => listOf(wanted).includes(shipment.type),
  dispatchServiceTiers: (wanted) => () => listOf(wanted).includes('REGULAR'),
};

/** Items of it travel in several packages. */
export function isMps(items: readonly Item[]): boolean {
  return items.some(({ packageIds }) => packageIds.length > 1);
}

/** Both ends are needed and belong to the range; a shipment is as old as its whole second. */
function rangeTest(name: string, value: unknown, when: (shipment: Shipment) => number | null): Test[] {
  if (value === undefined) return [];
  const from = momentIn(tableOf(value)['from']);
  const to = momentIn(tableOf(value)['to']);
  if (from === null || to === null || from > to)
    return bad(`filter.${name} needs from and to, date-times with an offset, in this order`);
  return [
    (shipment) => {
      const at = when(shipment);
      return at !== null && wholeSecond(at) >= from && wholeSecond(at) <= to;
    },
  ];
}
