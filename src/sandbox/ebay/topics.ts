import { scope } from './auth.ts';

/** A topic as `getTopics` shows it (EBAY-2.1). */
export interface Topic {
  topicId: string;
  description: string;
  status: 'ENABLED';
  context: string;
  scope: 'APPLICATION' | 'USER';
  authorizationScopes: string[];
  supportedPayloads: {
    format: string[];
    schemaVersion: string;
    deliveryProtocol: 'HTTPS';
    deprecated: boolean;
  }[];
  filterable: boolean;
}

function topic(topicId: string, kind: Topic['scope'], needs: string, versions: string[] = ['1.0']): Topic {
  return {
    topicId,
    description: `Notification topic ${topicId}`,
    status: 'ENABLED',
    context: kind === 'USER' ? 'SELLER' : 'APPLICATION',
    scope: kind,
    authorizationScopes: [scope(needs)],
    supportedPayloads: versions.map((schemaVersion) => ({
      format: ['JSON'],
      schemaVersion,
      deliveryProtocol: 'HTTPS',
      deprecated: schemaVersion.startsWith('0.'),
    })),
    filterable: topicId === 'PRIORITY_LISTING_REVISION',
  };
}

/**
 * What this keyset is offered. Of the seller's topics only ORDER_CONFIRMATION is ever delivered: no payload of the
 * others is known (EBAY-2.1 and EBAY-2.2, last verified 2026-11).
 */
export const topics: readonly Topic[] = [
  topic('MARKETPLACE_ACCOUNT_DELETION', 'APPLICATION', ''),
  topic('AUTHORIZATION_REVOCATION', 'APPLICATION', ''),
  topic('ITEM_AVAILABILITY', 'APPLICATION', ''),
  topic('ITEM_PRICE_REVISION', 'APPLICATION', ''),
  topic('PRIORITY_LISTING_REVISION', 'APPLICATION', '', ['1.9', '1.10']),
  topic('SELLER_STANDARDS_PROFILE_METRICS', 'USER', 'commerce.notification.subscription'),
  topic('SELLER_CUSTOMER_SERVICE_METRIC_RATING', 'USER', 'commerce.notification.subscription'),
  topic('LISTING_PREVIEW_CREATION_TASK_STATUS', 'USER', 'sell.inventory'),
  topic('FEEDBACK_LEFT', 'USER', 'commerce.notification.subscription'),
  topic('FEEDBACK_RECEIVED', 'USER', 'commerce.notification.subscription'),
  topic('BUYER_QUESTION', 'USER', 'commerce.notification.subscription'),
  topic('NEW_MESSAGE', 'USER', 'commerce.notification.subscription'),
  topic('ITEM_MARKED_SHIPPED', 'USER', 'sell.fulfillment'),
  topic('PLA_CAMPAIGN_BUDGET_STATUS', 'USER', 'commerce.notification.subscription'),
  topic('ORDER_CANCELLATION_ACTIVITY', 'USER', 'sell.fulfillment'),
  topic('ORDER_CONFIRMATION', 'USER', 'sell.fulfillment', ['0.9', '1.0']),
];
