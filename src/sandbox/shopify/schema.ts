import { buildSchema, type GraphQLSchema } from 'graphql';
import { page, types } from './types.ts';

/** Releases that the shop serves, oldest first. Requests for an older release fall forward to the first. */
export const releases = ['2026-07', '2026-10'] as const;
export type Release = (typeof releases)[number];

const built = new Map<Release, GraphQLSchema>();

/**
 * The shop's own schema of one release: the part of the Admin API that a stock connector can meet (SHP-3 to SHP-8).
 * Names, types, nullability, arguments and enum values are those of the official release; a test compares them. Long enums
 * that are only answered hold what this shop answers.
 */
export function schemaOf(release: Release): GraphQLSchema {
  const known = built.get(release);
  if (known !== undefined) return known;
  const schema = buildSchema(whole(`${roots}${types}${words}${only[release]}`));
  built.set(release, schema);
  return schema;
}

/** What every type of an interface has. */
const inherited: Record<string, string[]> = {
  Node: ['id: ID!'],
  LegacyInteroperability: ['legacyResourceId: UnsignedInt64!'],
  DisplayableError: ['field: [String!]', 'message: String!'],
};

/** What the payload of a mutation holds beside its user errors. */
const payloads: Record<string, string> = {
  FulfillmentOrderHold:
    'fulfillmentHold: FulfillmentHold, fulfillmentOrder: FulfillmentOrder, remainingFulfillmentOrder: FulfillmentOrder',
  FulfillmentOrderReleaseHold: 'fulfillmentOrder: FulfillmentOrder',
  InventorySetQuantities: 'inventoryAdjustmentGroup: InventoryAdjustmentGroup',
  InventoryAdjustQuantities: 'inventoryAdjustmentGroup: InventoryAdjustmentGroup',
  InventoryActivate: 'inventoryLevel: InventoryLevel',
  InventoryDeactivate: '',
  InventoryBulkToggleActivation: 'inventoryItem: InventoryItem, inventoryLevels: [InventoryLevel!]',
  InventoryItemUpdate: 'inventoryItem: InventoryItem',
  TagsAdd: 'node: Node',
  TagsRemove: 'node: Node',
  WebhookSubscriptionCreate: 'webhookSubscription: WebhookSubscription',
  WebhookSubscriptionUpdate: 'webhookSubscription: WebhookSubscription',
  WebhookSubscriptionDelete: 'deletedWebhookSubscriptionId: ID',
};

/** The text with all that follows from it: inherited fields, connections that are named, user errors that have codes. */
function whole(text: string): string {
  const named = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))];
  const withCodes = named(/^enum (\w+)UserErrorCode/gm);
  return [
    text,
    ...named(/: (\w+)Connection\b/g).map(
      (name) => `
        type ${name}Connection { edges: [${name}Edge!]! nodes: [${name}!]! pageInfo: PageInfo! }
        type ${name}Edge { cursor: String! node: ${name}! }`,
    ),
    ...Object.entries(payloads).map(([name, fields]) => {
      const error = withCodes.includes(name) ? `${name}UserError` : 'UserError';
      return `type ${name}Payload { ${fields} userErrors: [${error}!]! }`;
    }),
    'type UserError implements DisplayableError {\n}',
    ...withCodes.map(
      (name) => `type ${name}UserError implements DisplayableError {\n  code: ${name}UserErrorCode\n}`,
    ),
    ...Object.entries(inherited).map(([name, fields]) => `interface ${name} { ${fields.join(' ')} }`),
  ]
    .join('\n')
    .replace(/^type \w+ implements (.+) \{$/gm, (head, names: string) =>
      [head, ...names.split(' & ').flatMap((name) => inherited[name] ?? [])].join('\n'),
    )
    .replace(/^ {2}(\w+(?: \w+)+): (.+)$/gm, (_line, names: string, type: string) =>
      names.replace(/\w+/g, (name) => `${name}: ${type}`),
    );
}

/**
 * SHP-5.1 and SHP-11.2: 2026-10 removed one code from the enums of the stock mutations, and brought some types of its
 * own. Verified 2026-11 against both official schemas.
 */
const only: Record<Release, string> = {
  '2026-07': `
extend enum InventorySetQuantitiesUserErrorCode { ITEM_NOT_STOCKED_AT_LOCATION }
extend enum InventoryAdjustQuantitiesUserErrorCode { ITEM_NOT_STOCKED_AT_LOCATION }
`,
  '2026-10': `
extend enum OrderDisplayFulfillmentStatus { FULFILLMENT_NOT_REQUIRED }
extend type OrderCancelPayload { jobResult: OrderCancelJobResult }

interface JobResult {
  id: ID!
  done: Boolean!
}

type OrderCancelJobResult implements JobResult & Node {
  done: Boolean!
  errors: [OrderCancelUserError!]!
  order: Order
  status: OrderCancelStatus!
}

enum OrderCancelStatus { FAILED STARTED SUCCEEDED }
`,
};

const roots = `
directive @idempotent(key: String!) on FIELD

schema { query: QueryRoot, mutation: Mutation }

union WebhookSubscriptionEndpoint = WebhookHttpEndpoint

type QueryRoot {
  shop: Shop!
  currentAppInstallation: AppInstallation!
  app(id: ID): App
  appInstallation(id: ID): AppInstallation
  location(id: ID): Location
  locations(${page}, includeInactive: Boolean = false, includeLegacy: Boolean = false, query: String, reverse: Boolean = false, sortKey: LocationSortKeys = NAME): LocationConnection!
  locationsCount(limit: Int = 10000, query: String): Count
  product(id: ID!): Product
  products(${page}, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: ProductSortKeys = ID): ProductConnection!
  productsCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  productVariant(id: ID!): ProductVariant
  productVariants(${page}, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: ProductVariantSortKeys = ID): ProductVariantConnection!
  productVariantsCount(limit: Int = 10000, query: String): Count
  inventoryItem(id: ID!): InventoryItem
  inventoryItems(${page}, query: String, reverse: Boolean = false): InventoryItemConnection!
  inventoryLevel(id: ID!): InventoryLevel
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  order(id: ID!): Order
  orders(${page}, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
  ordersCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  job(id: ID!): Job
  fulfillmentOrder(id: ID!): FulfillmentOrder
  fulfillmentOrders(${page}, includeClosed: Boolean = false, query: String, reverse: Boolean = false, sortKey: FulfillmentOrderSortKeys = ID): FulfillmentOrderConnection!
  webhookSubscription(id: ID!): WebhookSubscription
  webhookSubscriptions(${page}, format: WebhookSubscriptionFormat, query: String, reverse: Boolean = false, sortKey: WebhookSubscriptionSortKeys = CREATED_AT, topics: [WebhookSubscriptionTopic!], uri: String): WebhookSubscriptionConnection!
  webhookSubscriptionsCount(limit: Int = 10000, query: String): Count
  bulkOperation(id: ID!): BulkOperation
  currentBulkOperation(type: BulkOperationType = QUERY): BulkOperation
  publicApiVersions: [ApiVersion!]!
}

type Mutation {
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  inventoryAdjustQuantities(input: InventoryAdjustQuantitiesInput!): InventoryAdjustQuantitiesPayload
  inventoryActivate(available: Int, inventoryItemId: ID!, locationId: ID!, onHand: Int, stockAtLegacyLocation: Boolean = false): InventoryActivatePayload
  inventoryDeactivate(inventoryLevelId: ID!): InventoryDeactivatePayload
  inventoryBulkToggleActivation(inventoryItemId: ID!, inventoryItemUpdates: [InventoryBulkToggleActivationInput!]!): InventoryBulkToggleActivationPayload
  inventoryItemUpdate(id: ID!, input: InventoryItemInput!): InventoryItemUpdatePayload
  tagsAdd(id: ID!, tags: [String!]!): TagsAddPayload
  tagsRemove(id: ID!, tags: [String!]!): TagsRemovePayload
  orderCancel(notifyCustomer: Boolean = false, orderId: ID!, reason: OrderCancelReason!, refundMethod: OrderCancelRefundMethodInput, restock: Boolean!, staffNote: String = null): OrderCancelPayload
  webhookSubscriptionCreate(topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!): WebhookSubscriptionCreatePayload
  webhookSubscriptionUpdate(id: ID!, webhookSubscription: WebhookSubscriptionInput!): WebhookSubscriptionUpdatePayload
  webhookSubscriptionDelete(id: ID!): WebhookSubscriptionDeletePayload
  bulkOperationRunQuery(groupObjects: Boolean! = false, query: String!): BulkOperationRunQueryPayload
  fulfillmentOrderHold(fulfillmentHold: FulfillmentOrderHoldInput!, id: ID!): FulfillmentOrderHoldPayload
  fulfillmentOrderReleaseHold(externalId: String, holdIds: [ID!], id: ID!): FulfillmentOrderReleaseHoldPayload
}
`;

const words = `
scalar DateTime
scalar URL
scalar UnsignedInt64
scalar Money

enum CurrencyCode { USD EUR GBP CAD AUD }
enum CountryCode { US CA GB DE IN }
enum ProductStatus { ACTIVE ARCHIVED DRAFT UNLISTED }
enum ProductSortKeys { ID TITLE CREATED_AT UPDATED_AT }
enum ProductVariantInventoryPolicy { CONTINUE DENY }
enum ProductVariantSortKeys { ID SKU TITLE INVENTORY_QUANTITY }
enum OrderReturnStatus { INSPECTION_COMPLETE IN_PROGRESS NO_RETURN RETURNED RETURN_FAILED RETURN_REQUESTED }
enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
enum OrderDisplayFinancialStatus { PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED }
enum OrderDisplayFulfillmentStatus { FULFILLED ON_HOLD OPEN PARTIALLY_FULFILLED UNFULFILLED }
enum OrderSortKeys { CREATED_AT ID ORDER_NUMBER PROCESSED_AT UPDATED_AT }
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
enum FulfillmentStatus { CANCELLED ERROR FAILURE OPEN PENDING SUCCESS }
enum FulfillmentDisplayStatus { FULFILLED }
enum FulfillmentOrderRequestStatus { CLOSED UNSUBMITTED }
enum FulfillmentOrderStatus { CANCELLED CLOSED INCOMPLETE IN_PROGRESS ON_HOLD OPEN SCHEDULED }
enum FulfillmentOrderAction { CREATE_FULFILLMENT HOLD MOVE RELEASE_HOLD REPORT_PROGRESS SPLIT }
enum FulfillmentOrderSortKeys { ID UPDATED_AT }
enum FulfillmentHoldReason {
  AWAITING_PAYMENT AWAITING_RETURN_ITEMS HIGH_RISK_OF_FRAUD INCORRECT_ADDRESS INVENTORY_OUT_OF_STOCK
  ONLINE_STORE_POST_PURCHASE_CROSS_SELL OTHER UNKNOWN_DELIVERY_DATE
}
enum FulfillmentOrderHoldUserErrorCode {
  DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS DUPLICATE_FULFILLMENT_HOLD_HANDLE
  FULFILLMENT_ORDER_HOLD_LIMIT_REACHED FULFILLMENT_ORDER_NOT_FOUND FULFILLMENT_ORDER_NOT_SPLITTABLE
  GREATER_THAN_ZERO INVALID_LINE_ITEM_QUANTITY TAKEN
}
enum FulfillmentOrderReleaseHoldUserErrorCode { FULFILLMENT_ORDER_NOT_FOUND INVALID_ACCESS }
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE COMPARE_QUANTITY_REQUIRED COMPARE_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM INVALID_LOCATION INVALID_NAME INVALID_QUANTITY_NEGATIVE INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW INVALID_REASON INVALID_REFERENCE_DOCUMENT NON_MUTABLE_INVENTORY_ITEM
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}
enum InventoryAdjustQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED INVALID_AVAILABLE_DOCUMENT INVALID_INVENTORY_ITEM INVALID_LOCATION
  INVALID_QUANTITY_DOCUMENT INVALID_QUANTITY_NAME INVALID_QUANTITY_TOO_HIGH INVALID_QUANTITY_TOO_LOW
  INVALID_REASON INVALID_REFERENCE_DOCUMENT NON_MUTABLE_INVENTORY_ITEM
}
enum InventoryBulkToggleActivationUserErrorCode {
  COMMITTED_INVENTORY_AT_LOCATION INVENTORY_ITEM_NOT_FOUND LOCATION_NOT_FOUND
}
enum OrderCancelUserErrorCode { INVALID NOT_FOUND }
enum WebhookSubscriptionFormat { JSON XML }
enum WebhookSubscriptionSortKeys { CREATED_AT ID }
enum WebhookSubscriptionTopic {
  APP_SCOPES_UPDATE APP_UNINSTALLED BULK_OPERATIONS_FINISH FULFILLMENTS_CREATE FULFILLMENTS_UPDATE
  FULFILLMENT_HOLDS_ADDED FULFILLMENT_HOLDS_RELEASED FULFILLMENT_ORDERS_HOLD_RELEASED
  FULFILLMENT_ORDERS_PLACED_ON_HOLD INVENTORY_ITEMS_CREATE INVENTORY_ITEMS_DELETE INVENTORY_ITEMS_UPDATE
  INVENTORY_LEVELS_CONNECT INVENTORY_LEVELS_DISCONNECT INVENTORY_LEVELS_UPDATE LOCATIONS_ACTIVATE
  LOCATIONS_CREATE LOCATIONS_DEACTIVATE LOCATIONS_DELETE LOCATIONS_UPDATE ORDERS_CANCELLED ORDERS_CREATE
  ORDERS_DELETE ORDERS_EDITED ORDERS_FULFILLED ORDERS_PAID ORDERS_PARTIALLY_FULFILLED ORDERS_UPDATED
  PRODUCTS_CREATE PRODUCTS_DELETE PRODUCTS_UPDATE REFUNDS_CREATE
}
enum BulkOperationStatus { CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING }
enum BulkOperationErrorCode { ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }
enum BulkOperationType { MUTATION QUERY }
enum BulkOperationUserErrorCode { INVALID LIMIT_REACHED OPERATION_IN_PROGRESS }
enum CountPrecision { AT_LEAST EXACT }
enum LocationSortKeys { ID NAME RELEVANCE }
`;
