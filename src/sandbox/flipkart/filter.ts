import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import { momentIn } from './moment.ts';
import { Problem } from './problem.ts';
import { beforeDispatch, type Canceller, isCancelled, type Shipment, type Site } from './site.ts';

/** What a shipment filter asks for (FK-5.1, last verified 2026-11). */
export interface Filter {
  pageSize: number;
  fits(shipment: Shipment): boolean;
  /** The key that the list is sorted by, whole seconds. */
  key(shipment: Shipment): number;
  ascending: boolean;
}

type Kind = 'preDispatch' | 'postDispatch' | 'cancelled';

/** What each type of filter may ask for; COMPLETED is in none of them. */
const statesOf: Record<Kind, readonly string[]> = {
  preDispatch: beforeDispatch,
  postDispatch: ['SHIPPED', 'DELIVERED', 'PICKUP_COMPLETE'],
  cancelled: ['CANCELLED'],
};
const cancellers: readonly Canceller[] = [
  'sellerCancellation',
  'buyerCancellation',
  'marketplaceCancellation',
];
/** Larger pages are cut to this size without a word; the number itself is from memory (FK-5.1). */
const longestPage = 20;

const second = (ms: number) => Math.floor(ms / 1000) * 1000;

/** When items were called off, for the filter and order by that date. */
function cancelledAt(shipment: Shipment): number | null {
  const times = shipment.items.flatMap(({ cancelled }) => cancelled?.at ?? []);
  return times.length === 0 ? null : Math.max(...times);
}

const dates: Record<string, (shipment: Shipment) => number | null> = {
  orderDate: ({ placedAt }) => placedAt,
  modifiedDate: ({ updatedAt }) => updatedAt,
  dispatchAfterDate: ({ dispatchAfter }) => dispatchAfter,
  dispatchByDate: ({ dispatchBy }) => dispatchBy,
  cancellationDate: cancelledAt,
};

/** Reads the body of a filter call. Throws Problem 400. */
export function filterIn(site: Site, body: unknown): Filter {
  const { filter, pagination, sort } = tableOf(body);
  const wish = tableOf(filter);
  const kind = kindIn(wish['type']);
  const tests = [
    stateTest(kind, wish['states']),
    holdTest(kind, wish['hold']),
    cancellerTest(kind, wish['cancellationType']),
    profileTest(wish['serviceProfiles']),
    ...otherTests(wish),
    ...Object.entries(dates).flatMap(([name, when]) => rangeTest(name, wish[name], when)),
  ];
  if (kind !== 'cancelled' && wish['cancellationDate'] !== undefined)
    throw new Problem(400, 'cancellationDate is allowed for type cancelled only');
  const { field = 'modifiedDate', order = 'asc' } = tableOf(sort);
  const when = dates[textOf(field)];
  if (when === undefined) throw new Problem(400, `sort.field ${String(field)} is not supported`);
  if (order !== 'asc' && order !== 'desc') throw new Problem(400, 'sort.order must be asc or desc');
  const size = tableOf(pagination)['pageSize'] ?? longestPage;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1)
    throw new Problem(400, 'pagination.pageSize must be a positive integer');
  return {
    pageSize: Math.min(size, longestPage),
    fits: (shipment) => shipment.searchableAt <= site.now() && tests.every((test) => test(shipment)),
    key: (shipment) => second(when(shipment) ?? 0),
    ascending: order === 'asc',
  };
}

type Test = (shipment: Shipment) => boolean;

function kindIn(value: unknown): Kind {
  if (value === 'preDispatch' || value === 'postDispatch' || value === 'cancelled') return value;
  throw new Problem(400, 'filter.type must be preDispatch, postDispatch or cancelled');
}

function stateTest(kind: Kind, value: unknown): Test {
  const allowed = statesOf[kind];
  const states = value === undefined ? allowed : listOf(value);
  const stranger = states.find((state) => !allowed.includes(String(state)));
  if (states.length === 0 || stranger !== undefined)
    throw new Problem(400, `filter.states ${String(stranger)} does not fit type ${kind}`);
  // A shipment of which an item was called off is in both lists, with all of its items.
  if (kind === 'cancelled') return (shipment) => cancelledAt(shipment) !== null;
  return (shipment) => !isCancelled(shipment) && states.includes(shipment.stage);
}

/** Held ones are invisible unless asked for (FK-5.1). */
function holdTest(kind: Kind, value: unknown): Test {
  if (kind !== 'preDispatch') {
    if (value !== undefined) throw new Problem(400, 'filter.hold is allowed for type preDispatch only');
    return () => true;
  }
  const hold = value ?? false;
  if (typeof hold !== 'boolean') throw new Problem(400, 'filter.hold must be a boolean');
  return (shipment) => shipment.hold === hold;
}

function cancellerTest(kind: Kind, value: unknown): Test {
  if (kind !== 'cancelled') return () => true;
  const wanted = cancellers.find((one) => one === value);
  if (wanted === undefined)
    throw new Problem(400, `filter.cancellationType must be one of ${cancellers.join(', ')}`);
  return (shipment) => shipment.items.some((item) => item.cancelled?.by === wanted);
}

function profileTest(value: unknown): Test {
  const profiles = value === undefined ? ['NON_FBF'] : listOf(value);
  if (profiles.some((one) => !['FBF', 'NON_FBF', 'FBF_LITE'].includes(String(one))))
    throw new Problem(400, 'filter.serviceProfiles has an unknown value');
  return (shipment) => profiles.includes(shipment.profile);
}

function otherTests(wish: Record<string, unknown>): Test[] {
  const tests: Test[] = [];
  const { locationId, sku, mps, shipmentTypes, dispatchServiceTiers } = wish;
  if (locationId !== undefined) tests.push((shipment) => shipment.location === locationId);
  if (sku !== undefined) {
    const skus = listOf(sku);
    tests.push((shipment) => shipment.items.some(({ listing }) => skus.includes(listing.sku)));
  }
  if (mps !== undefined)
    tests.push((shipment) => shipment.items.some(({ packageIds }) => packageIds.length > 1) === mps);
  if (shipmentTypes !== undefined) tests.push((shipment) => listOf(shipmentTypes).includes(shipment.type));
  if (dispatchServiceTiers !== undefined) tests.push(() => listOf(dispatchServiceTiers).includes('REGULAR'));
  return tests;
}

/** Both ends are needed and belong to the range; a shipment is as old as its whole second. */
function rangeTest(name: string, value: unknown, when: (shipment: Shipment) => number | null): Test[] {
  if (value === undefined) return [];
  const from = momentIn(tableOf(value)['from']);
  const to = momentIn(tableOf(value)['to']);
  if (from === null || to === null || from > to)
    throw new Problem(400, `filter.${name} needs from and to, date-times with an offset, in this order`);
  return [
    (shipment) => {
      const at = when(shipment);
      return at !== null && second(at) >= from && second(at) <= to;
    },
  ];
}
