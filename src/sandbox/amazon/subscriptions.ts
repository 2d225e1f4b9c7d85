import type { Site } from './site.ts';

/** Where notifications go, and which are wanted (AMZ-2 and AMZ-3, last verified 2026-11). */

export type Resource =
  | { sqs: { arn: string } }
  | { eventBridge: { name: string; region: string; accountId: string } };

export interface Destination {
  destinationId: string;
  name: string;
  resource: Resource;
}

export interface Subscription {
  subscriptionId: string;
  type: string;
  payloadVersion: string;
  destinationId: string;
  /** As it was sent; `filterExpression` is kept and not evaluated. */
  processingDirective: Record<string, unknown> | null;
  orderChangeTypes: string[] | null;
  marketplaceIds: string[] | null;
}

/** By type: how it travels, and the versions that exist. Only types that a seller of goods meets. */
export const notificationTypes: Readonly<Record<string, { by: 'sqs' | 'eventBridge'; versions: string[] }>> =
  {
    ORDER_CHANGE: { by: 'sqs', versions: ['1.0'] },
    FEED_PROCESSING_FINISHED: { by: 'sqs', versions: ['2020-09-04'] },
    REPORT_PROCESSING_FINISHED: { by: 'sqs', versions: ['2020-09-04'] },
    FBA_INVENTORY_AVAILABILITY_CHANGES: { by: 'sqs', versions: ['1.0'] },
    ACCOUNT_STATUS_CHANGED: { by: 'sqs', versions: ['1.0'] },
    LISTINGS_ITEM_MFN_QUANTITY_CHANGE: { by: 'eventBridge', versions: ['1.0'] },
    LISTINGS_ITEM_STATUS_CHANGE: { by: 'eventBridge', versions: ['1.0'] },
    LISTINGS_ITEM_ISSUES_CHANGE: { by: 'eventBridge', versions: ['2023-12-13'] },
  };

export type Subscriptions = ReturnType<typeof createSubscriptions>;

export function createSubscriptions(site: Site) {
  const destinations = new Map<string, Destination>();
  const all = new Map<string, Subscription>();
  return {
    destinations,
    all,
    addDestination(name: string, resource: Resource): Destination {
      const destination = { destinationId: site.uuid(), name, resource };
      destinations.set(destination.destinationId, destination);
      return destination;
    },
    add(subscription: Omit<Subscription, 'subscriptionId'>): Subscription {
      const made = { subscriptionId: site.uuid(), ...subscription };
      all.set(made.subscriptionId, made);
      return made;
    },
    /** Subscriptions of the type, each with where it leads. */
    of: (type: string) =>
      [...all.values()].flatMap((subscription) => {
        const destination = destinations.get(subscription.destinationId);
        return subscription.type === type && destination !== undefined ? [{ subscription, destination }] : [];
      }),
  };
}
