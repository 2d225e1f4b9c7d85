import { platformMs } from '../kit/time.ts';
import { type Call, type Handler, json, pageAt, type Query, wholeSecond } from './call.ts';
import type { Marketplace } from './marketplaces.ts';
import { invalidInput, invalidValue } from './problem.ts';
import { isPlatformFulfilled, type Listing, type Site } from './site.ts';

/** Sellers v1 and FBA inventory v1 (AMZ-1.3, AMZ-4.4, last verified 2026-11). Both older: data in `payload`. */

/** A page token of the inventory dies after this. */
const tokenLifeMs = 30_000;
const pageSize = 50;

export function accountRoutes(site: Site): Record<'participations' | 'inventory', Handler> {
  return {
    participations: () =>
      json(200, {
        payload: site.region.marketplaces.map((marketplace) => ({
          marketplace: marketplaceView(marketplace),
          participation: {
            isParticipating: site.marketplaces.includes(marketplace),
            hasSuspendedListings: false,
          },
          storeName: site.storeName,
        })),
      }),
    inventory: (call) => inventory(site, call),
  };
}

function marketplaceView({ id, name, countryCode, currency, language, domain: domainName }: Marketplace) {
  const defaults = { defaultCurrencyCode: currency, defaultLanguageCode: language };
  return { id, name, countryCode, ...defaults, domainName };
}

function inventory(site: Site, { query }: Call) {
  const granularityId = query.get('granularityId') ?? '';
  const places = query.list('marketplaceIds');
  const here = site.marketplaces.map(({ id }) => id);
  if (query.get('granularityType') !== 'Marketplace' || !here.includes(granularityId)) {
    throw invalidValue('granularityId');
  }
  if (places.length !== 1 || places[0] !== granularityId) {
    throw invalidInput("'marketplaceIds' must name the one marketplace of 'granularityId'.");
  }
  const skus = query.list('sellerSkus');
  if (skus.length > 50) throw invalidValue('sellerSkus', 'at most 50');
  query.count('pageSize', [1, pageSize], pageSize);
  const offset = offsetOf(site, query);
  const found = [...site.listings.values()].filter(
    (listing) => isPlatformFulfilled(listing) && (skus.length === 0 || skus.includes(listing.sku)),
  );
  const { page, next } = pageAt(found, offset, pageSize, { madeAt: site.now() });
  const details = query.get('details') === 'true';
  return json(200, {
    payload: {
      granularity: { granularityType: 'Marketplace', granularityId },
      inventorySummaries: page.map((listing) => summaryView(listing, details)),
    },
    ...('nextToken' in next ? { pagination: next } : {}),
  });
}

function offsetOf(site: Site, query: Query): number {
  const token = query.token('nextToken');
  if (token === null) return 0;
  const { offset, madeAt } = token;
  if (typeof offset !== 'number' || typeof madeAt !== 'number') {
    throw invalidValue('nextToken');
  }
  if (site.now() - madeAt > platformMs(tokenLifeMs, site.timeScale)) {
    throw invalidInput('The next token has expired.');
  }
  return offset;
}

function summaryView(listing: Listing, details: boolean): Record<string, unknown> {
  return {
    asin: listing.asin,
    fnSku: `X00${listing.asin.slice(3)}`,
    sellerSku: listing.sku,
    condition: 'NewItem',
    inventoryDetails: details
      ? {
          fulfillableQuantity: listing.quantity,
          inboundWorkingQuantity: 0,
          inboundShippedQuantity: 0,
          inboundReceivingQuantity: 0,
          reservedQuantity: { totalReservedQuantity: 0, pendingCustomerOrderQuantity: 0 },
        }
      : undefined,
    lastUpdatedTime: wholeSecond(listing.updatedAt),
    productName: listing.title,
    totalQuantity: listing.quantity,
  };
}
