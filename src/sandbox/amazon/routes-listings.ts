import type { ShopAnswer } from '../kit/server.ts';
import { found } from '../kit/untyped.ts';
import { bodyOf, type Call, type Handler, json, type Query, wholeSecond, writeToken } from './call.ts';
import type { Floor } from './notifier.ts';
import { type Issue, judge, obey, readPatch } from './patches.ts';
import { denied, invalidInput, invalidValue, Problem, quotaExceeded } from './problem.ts';
import { isPlatformFulfilled, type Listing, type Site } from './site.ts';

/** Listings Items 2021-08-01 (AMZ-4.1, AMZ-4.2, AMZ-5.1, last verified 2026-11). */

const dataSets = [
  'summaries',
  'attributes',
  'issues',
  'offers',
  'fulfillmentAvailability',
  'procurement',
  'relationships',
  'productTypes',
];
const identifierTypes = ['ASIN', 'EAN', 'FNSKU', 'GTIN', 'ISBN', 'JAN', 'MINSAN', 'SKU', 'UPC'];
const maxIdentifiers = 20;
const maxPage = 20;
/** However many match, no further than this can be paged through. */
const maxPaged = 1000;
/** A SKU that is written over and over is throttled on its own; the numbers are this shop's, none are published. */
const perSku = { rate: 0.5, burst: 5 };

export function listingRoutes(floor: Floor) {
  /** For the seller himself only. */
  const own =
    (handle: Handler): Handler =>
    (call) => {
      if (call.params[0] !== floor.sellerId) throw denied();
      return handle(call);
    };

  return {
    search: own((call) => search(floor, call)),
    get: own((call) => {
      const sku = call.params[1] ?? '';
      const [marketplace = ''] = call.query.marketplaces('marketplaceIds');
      const missing = `SKU '${sku}' not found in marketplace ${marketplace}`;
      const listing = found(floor.listings.get(sku), () => new Problem(404, 'NOT_FOUND', missing));
      return json(200, itemView(floor, call, listing, listing.seen));
    }),
    patch: own((call) => patch(floor, call)),
  };
}

function patch(floor: Floor, call: Call): ShopAnswer {
  const sku = call.params[1] ?? '';
  call.query.marketplaces('marketplaceIds');
  const wanted = call.query.chosen('includedData', ['identifiers', 'issues']);
  const mode = call.query.get('mode');
  if (mode !== null && mode !== 'VALIDATION_PREVIEW') throw invalidValue('mode', mode);
  const request = readPatch(bodyOf(call));
  const listing = floor.listings.get(sku);
  const answer = (status: string, issues: Issue[]) =>
    json(200, {
      sku,
      status,
      submissionId: floor.uuid().replaceAll('-', ''),
      identifiers:
        wanted.includes('identifiers') && listing !== undefined
          ? floor.marketplaces.map(({ id }) => ({ marketplaceId: id, asin: listing.asin }))
          : undefined,
      issues,
    });

  const { issues, target } = judge(listing, request);
  if (mode !== null) return answer(target === null ? 'INVALID' : 'VALID', issues);
  if (listing === undefined || target === null) return answer('INVALID', issues);
  if (!floor.buckets.take(`product data ${sku}`, perSku)) {
    throw quotaExceeded(
      'You exceeded your quota for the requested resource: product data submissions for this SKU.',
    );
  }
  if (floor.faults.hits('patch_invalid')) return answer('INVALID', [...issues, suppressed('ERROR')]);
  if (floor.faults.hits('accepted_with_error')) return answer('ACCEPTED', [...issues, suppressed('ERROR')]);
  const write = obey(floor, listing, request, target);
  if (write !== null) call.writes.push(write);
  // Warnings that have nothing to do with the number come with many an accepted write.
  return answer('ACCEPTED', floor.random.chance(0.1) ? [...issues, suppressed('WARNING')] : issues);
}

function suppressed(severity: Issue['severity']): Issue {
  return {
    code: severity === 'ERROR' ? '8541' : '18448',
    message: 'Attributes are incomplete. Provide values for the following attribute(s): item_weight',
    severity,
    attributeNames: ['item_weight'],
    categories: ['MISSING_ATTRIBUTE'],
  };
}

// ---------------------------------------------------------------------------------------------------- search

function search(site: Site, call: Call): ShopAnswer {
  const { query } = call;
  query.marketplaces('marketplaceIds');
  const pageSize = query.count('pageSize', [1, maxPage], 10);
  const sortBy = query.get('sortBy') ?? 'lastUpdatedDate';
  const sortOrder = query.get('sortOrder') ?? 'DESC';
  if (!['sku', 'createdDate', 'lastUpdatedDate'].includes(sortBy)) {
    throw invalidValue('sortBy', sortBy);
  }
  if (!['ASC', 'DESC'].includes(sortOrder)) throw invalidValue('sortOrder', sortOrder);
  const sorted = matching(site, query).sort(
    (a, b) => (sortOrder === 'ASC' ? 1 : -1) * compare(rankOf(a, sortBy), rankOf(b, sortBy)),
  );
  const offset = offsetOf(query);
  const page = sorted.slice(offset, Math.min(offset + pageSize, maxPaged));
  const next = offset + page.length;
  const more = next < sorted.length && next < maxPaged;
  return json(200, {
    numberOfResults: sorted.length,
    pagination: {
      ...(more ? { nextToken: writeToken({ offset: next }) } : {}),
      ...(offset > 0 ? { previousToken: writeToken({ offset: Math.max(0, offset - pageSize) }) } : {}),
    },
    items: page.map((listing) => itemView(site, call, listing, searchedNumber(site, listing))),
  });
}

function offsetOf(query: Query): number {
  const token = query.token('pageToken');
  if (token === null) return 0;
  const offset = token['offset'];
  if (typeof offset !== 'number' || offset < 0 || offset >= maxPaged) {
    throw invalidValue('pageToken');
  }
  return offset;
}

/** The index may trail what the item itself tells. */
function searchedNumber(site: Site, listing: Listing): number {
  const lagMs = site.faults.dueMs('search_lag');
  if (lagMs === null) return listing.seen;
  return lagMs === 0 || site.now() - listing.seenChangedAt < lagMs ? listing.seenBefore : listing.seen;
}

function matching(site: Site, query: Query): Listing[] {
  const identifiers = query.list('identifiers');
  const type = query.get('identifiersType');
  const parent = query.get('variationParentSku');
  if (identifiers.length > maxIdentifiers) {
    throw invalidValue('identifiers', `at most ${maxIdentifiers}`);
  }
  if (identifiers.length > 0 !== (type !== null)) {
    throw invalidInput("'identifiers' and 'identifiersType' must be provided together.");
  }
  if (type !== null && !identifierTypes.includes(type)) {
    throw invalidValue('identifiersType', type);
  }
  if (parent !== null && identifiers.length > 0) {
    throw invalidInput("'identifiers' cannot be used with 'variationParentSku'.");
  }
  const within = [
    ['createdAfter', 'createdBefore', (listing: Listing) => listing.createdAt],
    ['lastUpdatedAfter', 'lastUpdatedBefore', (listing: Listing) => listing.updatedAt],
  ] as const;
  const times = within.map(([after, before, of]) => ({
    after: query.time(after) ?? Number.NEGATIVE_INFINITY,
    before: query.time(before) ?? Number.POSITIVE_INFINITY,
    of,
  }));
  const statuses = ['BUYABLE', 'DISCOVERABLE'];
  const having = query.chosen('withStatus', statuses);
  const lacking = query.chosen('withoutStatus', statuses);
  return [...site.listings.values()].filter((listing) => {
    const status = statusOf(listing);
    const named =
      identifiers.length === 0 ||
      identifiers.includes(type === 'ASIN' ? listing.asin : type === 'SKU' ? listing.sku : '');
    return (
      named &&
      (parent === null || listing.parentSku === parent) &&
      times.every(({ after, before, of }) => of(listing) >= after && of(listing) <= before) &&
      having.every((one) => status.includes(one)) &&
      !lacking.some((one) => status.includes(one))
    );
  });
}

type Rank = [first: string | number, second: string];

function rankOf(listing: Listing, sortBy: string): Rank {
  if (sortBy === 'sku') return [listing.sku, ''];
  return [sortBy === 'createdDate' ? listing.createdAt : listing.updatedAt, listing.sku];
}

function compare(a: Rank, b: Rank): number {
  if (a[0] === b[0]) return a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
  return a[0] < b[0] ? -1 : 1;
}

// ------------------------------------------------------------------------------------------------------ views

/** A listing without stock stays, and cannot be bought. */
function statusOf(listing: Listing): string[] {
  const buyable = isPlatformFulfilled(listing) || (listing.channelCode !== null && listing.seen > 0);
  return buyable ? ['BUYABLE', 'DISCOVERABLE'] : ['DISCOVERABLE'];
}

function itemView(site: Site, call: Call, listing: Listing, seen: number): Record<string, unknown> {
  const asked = call.query.chosen('includedData', dataSets);
  const ids = call.query.marketplaces('marketplaceIds');
  const wanted = asked.length === 0 ? ['summaries'] : asked;
  const views: Record<string, () => unknown> = {
    summaries: () => ids.map((id) => summaryView(listing, id)),
    attributes: () => attributesView(listing, ids[0] ?? ''),
    issues: () => [],
    offers: () => ids.map((id) => offerView(site, id)),
    // The platform keeps the number of what it fulfils to itself; a parent has no availability at all.
    fulfillmentAvailability: () => availabilityView(listing, seen),
    procurement: () => [],
    relationships: () => ids.map((id) => ({ marketplaceId: id, relationships: [] })),
    productTypes: () => ids.map((id) => ({ marketplaceId: id, productType: listing.productType })),
  };
  return {
    sku: listing.sku,
    ...Object.fromEntries(wanted.map((name) => [name, views[name]?.()])),
  };
}

function availabilityView(listing: Listing, seen: number): Record<string, unknown>[] {
  if (listing.channelCode === null) return [];
  const code = { fulfillmentChannelCode: listing.channelCode };
  return [isPlatformFulfilled(listing) ? code : { ...code, quantity: seen }];
}

function summaryView(listing: Listing, marketplaceId: string): Record<string, unknown> {
  return {
    marketplaceId,
    asin: listing.asin,
    productType: listing.productType,
    conditionType: 'new_new',
    status: statusOf(listing),
    ...(isPlatformFulfilled(listing) ? { fnSku: `X00${listing.asin.slice(3)}` } : {}),
    itemName: listing.title,
    createdDate: wholeSecond(listing.createdAt),
    lastUpdatedDate: wholeSecond(listing.updatedAt),
  };
}

/** Snake case here, camel case in the data set of the number (AMZ-5.1). */
function attributesView(listing: Listing, marketplaceId: string): Record<string, unknown> {
  // What is undefined is left out of the answer.
  const availability = {
    fulfillment_channel_code: listing.channelCode,
    quantity: isPlatformFulfilled(listing) ? undefined : listing.seen,
    lead_time_to_ship_max_days: listing.leadTimeDays ?? undefined,
    restock_date: listing.restockDate ?? undefined,
  };
  return {
    item_name: [{ value: listing.title, marketplace_id: marketplaceId }],
    fulfillment_availability: listing.channelCode === null ? undefined : [availability],
  };
}

function offerView(site: Site, marketplaceId: string): Record<string, unknown> {
  const currencyCode = site.marketplaces.find(({ id }) => id === marketplaceId)?.currency ?? 'USD';
  return { marketplaceId, offerType: 'B2C', price: { currencyCode, amount: '19.90' } };
}
