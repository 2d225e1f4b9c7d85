import { buildSchema, type GraphQLSchema } from 'graphql';

/** Releases that the shop serves, oldest first. Requests for an older release fall forward to the first. */
export const releases = ['2026-07', '2026-10'] as const;
export type Release = (typeof releases)[number];

/**
 * The shop's own schema of one release: the part of the Admin API that a stock connector can meet (SHP-3 to SHP-8).
 * Names, types, nullability, arguments and enum values are those of the official release; a test compares them.
 */
export function schemaOf(release: Release): GraphQLSchema {
  const known = built.get(release);
  if (known !== undefined) return known;
  const schema = buildSchema(sdlOf(release));
  built.set(release, schema);
  return schema;
}

const built = new Map<Release, GraphQLSchema>();

/**
 * SHP-5.1 and SHP-11.2: 2026-10 removed one code from the enums of the stock mutations, and brought some types of its
 * own. Verified 2026-11 against both official schemas.
 */
export function sdlOf(release: Release): string {
  return `${sdl}\n${release === '2026-07' ? only202607 : only202610}`;
}

const only202607 = `
extend enum InventorySetQuantitiesUserErrorCode { ITEM_NOT_STOCKED_AT_LOCATION }
extend enum InventoryAdjustQuantitiesUserErrorCode { ITEM_NOT_STOCKED_AT_LOCATION }
`;

const only202610 = `
extend enum OrderDisplayFulfillmentStatus { FULFILLMENT_NOT_REQUIRED }
extend type OrderCancelPayload { jobResult: OrderCancelJobResult }

interface JobResult {
  id: ID!
  done: Boolean!
}

type OrderCancelJobResult implements JobResult & Node {
  id: ID!
  done: Boolean!
  errors: [OrderCancelUserError!]!
  order: Order
  status: OrderCancelStatus!
}

enum OrderCancelStatus {
  FAILED
  STARTED
  SUCCEEDED
}
`;

const sdl = `
directive @idempotent(key: String!) on FIELD

schema {
  query: QueryRoot
  mutation: Mutation
}

union WebhookSubscriptionEndpoint = WebhookHttpEndpoint

type QueryRoot {
  shop: Shop!
  currentAppInstallation: AppInstallation!
  app(id: ID): App
  appInstallation(id: ID): AppInstallation
  location(id: ID): Location
  locations(after: String, before: String, first: Int, includeInactive: Boolean = false, includeLegacy: Boolean = false, last: Int, query: String, reverse: Boolean = false, sortKey: LocationSortKeys = NAME): LocationConnection!
  locationsCount(limit: Int = 10000, query: String): Count
  product(id: ID!): Product
  products(after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: ProductSortKeys = ID): ProductConnection!
  productsCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  productVariant(id: ID!): ProductVariant
  productVariants(after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: ProductVariantSortKeys = ID): ProductVariantConnection!
  productVariantsCount(limit: Int = 10000, query: String): Count
  inventoryItem(id: ID!): InventoryItem
  inventoryItems(after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false): InventoryItemConnection!
  inventoryLevel(id: ID!): InventoryLevel
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  order(id: ID!): Order
  orders(after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
  ordersCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  job(id: ID!): Job
  fulfillmentOrder(id: ID!): FulfillmentOrder
  fulfillmentOrders(after: String, before: String, first: Int, includeClosed: Boolean = false, last: Int, query: String, reverse: Boolean = false, sortKey: FulfillmentOrderSortKeys = ID): FulfillmentOrderConnection!
  webhookSubscription(id: ID!): WebhookSubscription
  webhookSubscriptions(after: String, before: String, first: Int, format: WebhookSubscriptionFormat, last: Int, query: String, reverse: Boolean = false, sortKey: WebhookSubscriptionSortKeys = CREATED_AT, topics: [WebhookSubscriptionTopic!], uri: String): WebhookSubscriptionConnection!
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

interface Node {
  id: ID!
}

interface LegacyInteroperability {
  legacyResourceId: UnsignedInt64!
}

interface DisplayableError {
  field: [String!]
  message: String!
}

type Shop implements Node {
  id: ID!
  name: String!
  email: String!
  myshopifyDomain: String!
  ianaTimezone: String!
  timezoneOffset: String!
  timezoneAbbreviation: String!
  currencyCode: CurrencyCode!
  createdAt: DateTime!
  updatedAt: DateTime!
  url: URL!
  plan: ShopPlan!
}

type ShopPlan {
  partnerDevelopment: Boolean!
  shopifyPlus: Boolean!
  publicDisplayName: String!
}

enum CurrencyCode {
  USD
  EUR
  GBP
  CAD
  AUD
}

enum CountryCode {
  US
  CA
  GB
  DE
  IN
}

type App implements Node {
  id: ID!
  apiKey: String!
  handle: String
  title: String!
  webhookApiVersion: String!
}

type AppInstallation implements Node {
  id: ID!
  app: App!
  accessScopes: [AccessScope!]!
  launchUrl: URL!
  uninstallUrl: URL
}

type AccessScope {
  handle: String!
  description: String!
}

type Location implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  name: String!
  isActive: Boolean!
  activatable: Boolean!
  deactivatable: Boolean!
  deactivatedAt: String
  fulfillsOnlineOrders: Boolean!
  isFulfillmentService: Boolean!
  hasActiveInventory: Boolean!
  shipsInventory: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  inventoryLevel(includeInactive: Boolean = false, inventoryItemId: ID!): InventoryLevel
  inventoryLevels(after: String, before: String, first: Int, includeInactive: Boolean = false, last: Int, query: String, reverse: Boolean = false): InventoryLevelConnection!
}

type LocationConnection {
  edges: [LocationEdge!]!
  nodes: [Location!]!
  pageInfo: PageInfo!
}

type LocationEdge {
  cursor: String!
  node: Location!
}

type InventoryLevel implements Node {
  id: ID!
  isActive: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  item: InventoryItem!
  location: Location!
  quantities(names: [String!]!): [InventoryQuantity!]!
  canDeactivate: Boolean!
}

type InventoryLevelConnection {
  edges: [InventoryLevelEdge!]!
  nodes: [InventoryLevel!]!
  pageInfo: PageInfo!
}

type InventoryLevelEdge {
  cursor: String!
  node: InventoryLevel!
}

type InventoryQuantity implements Node {
  id: ID!
  name: String!
  quantity: Int!
  updatedAt: DateTime
}

type InventoryItem implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  sku: String
  tracked: Boolean!
  duplicateSkuCount: Int!
  requiresShipping: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  inventoryLevel(includeInactive: Boolean = false, locationId: ID!): InventoryLevel
  inventoryLevels(after: String, before: String, first: Int, includeInactive: Boolean = false, last: Int, query: String, reverse: Boolean = false): InventoryLevelConnection!
  locationsCount: Count
  variant: ProductVariant!
  variants(after: String, before: String, first: Int, last: Int): ProductVariantConnection
}

type InventoryItemConnection {
  edges: [InventoryItemEdge!]!
  nodes: [InventoryItem!]!
  pageInfo: PageInfo!
}

type InventoryItemEdge {
  cursor: String!
  node: InventoryItem!
}

type Product implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  title: String!
  handle: String!
  status: ProductStatus!
  isGiftCard: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  variants(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): ProductVariantConnection!
  totalInventory: Int!
  tracksInventory: Boolean!
  hasVariantsThatRequiresComponents: Boolean!
}

type ProductConnection {
  edges: [ProductEdge!]!
  nodes: [Product!]!
  pageInfo: PageInfo!
}

type ProductEdge {
  cursor: String!
  node: Product!
}

enum ProductStatus {
  ACTIVE
  ARCHIVED
  DRAFT
  UNLISTED
}

enum ProductSortKeys {
  ID
  TITLE
  CREATED_AT
  UPDATED_AT
}

type ProductVariant implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  title: String!
  displayName: String!
  sku: String
  barcode: String
  position: Int!
  price: Money!
  inventoryPolicy: ProductVariantInventoryPolicy!
  inventoryQuantity: Int
  sellableOnlineQuantity: Int!
  availableForSale: Boolean!
  requiresComponents: Boolean!
  taxable: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  product: Product!
  inventoryItem: InventoryItem!
  productVariantComponents(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): ProductVariantComponentConnection!
}

type ProductVariantConnection {
  edges: [ProductVariantEdge!]!
  nodes: [ProductVariant!]!
  pageInfo: PageInfo!
}

type ProductVariantEdge {
  cursor: String!
  node: ProductVariant!
}

enum ProductVariantInventoryPolicy {
  CONTINUE
  DENY
}

enum ProductVariantSortKeys {
  ID
  SKU
  TITLE
  INVENTORY_QUANTITY
}

type ProductVariantComponent implements Node {
  id: ID!
  productVariant: ProductVariant!
  quantity: Int!
}

type ProductVariantComponentConnection {
  edges: [ProductVariantComponentEdge!]!
  nodes: [ProductVariantComponent!]!
  pageInfo: PageInfo!
}

type ProductVariantComponentEdge {
  cursor: String!
  node: ProductVariantComponent!
}

type Order implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  name: String!
  number: Int!
  createdAt: DateTime!
  updatedAt: DateTime!
  processedAt: DateTime!
  cancelledAt: DateTime
  cancelReason: OrderCancelReason
  cancellation: OrderCancellation
  closed: Boolean!
  closedAt: DateTime
  confirmed: Boolean!
  edited: Boolean!
  test: Boolean!
  sourceName: String
  displayFinancialStatus: OrderDisplayFinancialStatus
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  fullyPaid: Boolean!
  unpaid: Boolean!
  tags: [String!]!
  note: String
  currencyCode: CurrencyCode!
  requiresShipping: Boolean!
  fulfillable: Boolean!
  restockable: Boolean!
  returnStatus: OrderReturnStatus!
  currentSubtotalLineItemsQuantity: Int!
  subtotalLineItemsQuantity: Int!
  lineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): LineItemConnection!
  nonFulfillableLineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): LineItemConnection!
  refunds(first: Int): [Refund!]!
  fulfillments(first: Int, query: String): [Fulfillment!]!
  fulfillmentsCount: Count
  fulfillmentOrders(after: String, before: String, displayable: Boolean = false, first: Int, last: Int, query: String, reverse: Boolean = false): FulfillmentOrderConnection!
  retailLocation: Location
}

enum OrderReturnStatus {
  INSPECTION_COMPLETE
  IN_PROGRESS
  NO_RETURN
  RETURNED
  RETURN_FAILED
  RETURN_REQUESTED
}

type OrderConnection {
  edges: [OrderEdge!]!
  nodes: [Order!]!
  pageInfo: PageInfo!
}

type OrderEdge {
  cursor: String!
  node: Order!
}

type OrderCancellation {
  staffNote: String
}

enum OrderCancelReason {
  CUSTOMER
  DECLINED
  FRAUD
  INVENTORY
  OTHER
  STAFF
}

enum OrderDisplayFinancialStatus {
  AUTHORIZED
  EXPIRED
  PAID
  PARTIALLY_PAID
  PARTIALLY_REFUNDED
  PENDING
  REFUNDED
  VOIDED
}

enum OrderDisplayFulfillmentStatus {
  FULFILLED
  IN_PROGRESS
  ON_HOLD
  OPEN
  PARTIALLY_FULFILLED
  PENDING_FULFILLMENT
  REQUEST_DECLINED
  RESTOCKED
  SCHEDULED
  UNFULFILLED
}

enum OrderSortKeys {
  CREATED_AT
  ID
  ORDER_NUMBER
  PROCESSED_AT
  UPDATED_AT
}

type LineItem implements Node {
  id: ID!
  name: String!
  title: String!
  sku: String
  quantity: Int!
  currentQuantity: Int!
  unfulfilledQuantity: Int!
  nonFulfillableQuantity: Int!
  refundableQuantity: Int!
  requiresShipping: Boolean!
  restockable: Boolean!
  isGiftCard: Boolean!
  taxable: Boolean!
  variant: ProductVariant
  variantTitle: String
  vendor: String
  product: Product
  lineItemGroup: LineItemGroup
  fulfillableQuantity: Int!
  fulfillmentStatus: String!
}

type LineItemConnection {
  edges: [LineItemEdge!]!
  nodes: [LineItem!]!
  pageInfo: PageInfo!
}

type LineItemEdge {
  cursor: String!
  node: LineItem!
}

type LineItemGroup implements Node {
  id: ID!
  quantity: Int!
  title: String!
  productId: ID
  variantId: ID
  variantSku: String
}

type Refund implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  createdAt: DateTime
  processedAt: DateTime!
  updatedAt: DateTime!
  note: String
  order: Order!
  refundLineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): RefundLineItemConnection!
}

type RefundLineItem {
  id: ID
  lineItem: LineItem!
  location: Location
  quantity: Int!
  restockType: RefundLineItemRestockType!
  restocked: Boolean!
}

type RefundLineItemConnection {
  edges: [RefundLineItemEdge!]!
  nodes: [RefundLineItem!]!
  pageInfo: PageInfo!
}

type RefundLineItemEdge {
  cursor: String!
  node: RefundLineItem!
}

enum RefundLineItemRestockType {
  CANCEL
  LEGACY_RESTOCK
  NO_RESTOCK
  RETURN
}

type Fulfillment implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  name: String!
  status: FulfillmentStatus!
  displayStatus: FulfillmentDisplayStatus
  createdAt: DateTime!
  updatedAt: DateTime!
  deliveredAt: DateTime
  inTransitAt: DateTime
  totalQuantity: Int!
  requiresShipping: Boolean!
  location: Location
  order: Order!
  fulfillmentLineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): FulfillmentLineItemConnection!
  fulfillmentOrders(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): FulfillmentOrderConnection!
}

enum FulfillmentStatus {
  CANCELLED
  ERROR
  FAILURE
  OPEN
  PENDING
  SUCCESS
}

enum FulfillmentDisplayStatus {
  ATTEMPTED_DELIVERY
  CANCELED
  CARRIER_PICKED_UP
  CONFIRMED
  DELAYED
  DELIVERED
  FAILURE
  FULFILLED
  IN_TRANSIT
  LABEL_PRINTED
  LABEL_PURCHASED
  LABEL_VOIDED
  MARKED_AS_FULFILLED
  NOT_DELIVERED
  OUT_FOR_DELIVERY
  PICKED_UP
  READY_FOR_PICKUP
  SUBMITTED
}

type FulfillmentLineItem implements Node {
  id: ID!
  lineItem: LineItem!
  quantity: Int
}

type FulfillmentLineItemConnection {
  edges: [FulfillmentLineItemEdge!]!
  nodes: [FulfillmentLineItem!]!
  pageInfo: PageInfo!
}

type FulfillmentLineItemEdge {
  cursor: String!
  node: FulfillmentLineItem!
}

type FulfillmentOrder implements Node {
  id: ID!
  status: FulfillmentOrderStatus!
  requestStatus: FulfillmentOrderRequestStatus!
  createdAt: DateTime!
  updatedAt: DateTime!
  fulfillAt: DateTime
  orderId: ID!
  orderName: String!
  orderProcessedAt: DateTime!
  order: Order!
  assignedLocation: FulfillmentOrderAssignedLocation!
  supportedActions: [FulfillmentOrderSupportedAction!]!
  fulfillmentHolds: [FulfillmentHold!]!
  lineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): FulfillmentOrderLineItemConnection!
}

enum FulfillmentOrderRequestStatus {
  ACCEPTED
  CANCELLATION_ACCEPTED
  CANCELLATION_REJECTED
  CANCELLATION_REQUESTED
  CLOSED
  REJECTED
  SUBMITTED
  UNSUBMITTED
}

enum FulfillmentOrderStatus {
  CANCELLED
  CLOSED
  INCOMPLETE
  IN_PROGRESS
  ON_HOLD
  OPEN
  SCHEDULED
}

type FulfillmentOrderSupportedAction {
  action: FulfillmentOrderAction!
  externalUrl: URL
}

enum FulfillmentOrderAction {
  CANCEL_FULFILLMENT_ORDER
  CREATE_FULFILLMENT
  EXTERNAL
  HOLD
  MARK_AS_OPEN
  MERGE
  MOVE
  RELEASE_HOLD
  REPORT_PROGRESS
  REQUEST_CANCELLATION
  REQUEST_FULFILLMENT
  SPLIT
}

type FulfillmentOrderConnection {
  edges: [FulfillmentOrderEdge!]!
  nodes: [FulfillmentOrder!]!
  pageInfo: PageInfo!
}

type FulfillmentOrderEdge {
  cursor: String!
  node: FulfillmentOrder!
}

enum FulfillmentOrderSortKeys {
  ID
  UPDATED_AT
}

type FulfillmentOrderLineItem implements Node {
  id: ID!
  totalQuantity: Int!
  remainingQuantity: Int!
  requiresShipping: Boolean!
  productTitle: String!
  variantTitle: String
  sku: String
  vendor: String
  inventoryItemId: ID
  lineItem: LineItem!
  variant: ProductVariant
}

type FulfillmentOrderLineItemConnection {
  edges: [FulfillmentOrderLineItemEdge!]!
  nodes: [FulfillmentOrderLineItem!]!
  pageInfo: PageInfo!
}

type FulfillmentOrderLineItemEdge {
  cursor: String!
  node: FulfillmentOrderLineItem!
}

type FulfillmentOrderAssignedLocation {
  countryCode: CountryCode!
  location: Location
  name: String!
}

type FulfillmentHold implements Node {
  id: ID!
  displayReason: String!
  handle: String
  heldByApp: App
  heldByRequestingApp: Boolean!
  reason: FulfillmentHoldReason!
  reasonNotes: String
}

enum FulfillmentHoldReason {
  AWAITING_PAYMENT
  AWAITING_RETURN_ITEMS
  HIGH_RISK_OF_FRAUD
  INCORRECT_ADDRESS
  INVENTORY_OUT_OF_STOCK
  ONLINE_STORE_POST_PURCHASE_CROSS_SELL
  OTHER
  UNKNOWN_DELIVERY_DATE
}

input FulfillmentOrderHoldInput {
  externalId: String
  fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!] = []
  handle: String = ""
  notifyMerchant: Boolean = false
  reason: FulfillmentHoldReason!
  reasonNotes: String
}

input FulfillmentOrderLineItemInput {
  id: ID!
  quantity: Int!
}

type FulfillmentOrderHoldPayload {
  fulfillmentHold: FulfillmentHold
  fulfillmentOrder: FulfillmentOrder
  remainingFulfillmentOrder: FulfillmentOrder
  userErrors: [FulfillmentOrderHoldUserError!]!
}

type FulfillmentOrderHoldUserError implements DisplayableError {
  code: FulfillmentOrderHoldUserErrorCode
  field: [String!]
  message: String!
}

enum FulfillmentOrderHoldUserErrorCode {
  DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS
  DUPLICATE_FULFILLMENT_HOLD_HANDLE
  FULFILLMENT_ORDER_HOLD_LIMIT_REACHED
  FULFILLMENT_ORDER_NOT_FOUND
  FULFILLMENT_ORDER_NOT_SPLITTABLE
  GREATER_THAN_ZERO
  INVALID_LINE_ITEM_QUANTITY
  TAKEN
}

type FulfillmentOrderReleaseHoldPayload {
  fulfillmentOrder: FulfillmentOrder
  userErrors: [FulfillmentOrderReleaseHoldUserError!]!
}

type FulfillmentOrderReleaseHoldUserError implements DisplayableError {
  code: FulfillmentOrderReleaseHoldUserErrorCode
  field: [String!]
  message: String!
}

enum FulfillmentOrderReleaseHoldUserErrorCode {
  FULFILLMENT_ORDER_NOT_FOUND
  INVALID_ACCESS
}

input InventorySetQuantitiesInput {
  name: String!
  quantities: [InventoryQuantityInput!]!
  reason: String!
  referenceDocumentUri: String
}

input InventoryQuantityInput {
  changeFromQuantity: Int
  inventoryItemId: ID!
  locationId: ID!
  quantity: Int!
}

type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}

type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode
  field: [String!]
  message: String!
}

enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE
  COMPARE_QUANTITY_REQUIRED
  COMPARE_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM
  INVALID_LOCATION
  INVALID_NAME
  INVALID_QUANTITY_NEGATIVE
  INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW
  INVALID_REASON
  INVALID_REFERENCE_DOCUMENT
  NON_MUTABLE_INVENTORY_ITEM
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}

type InventoryAdjustmentGroup implements Node {
  id: ID!
  createdAt: DateTime!
  reason: String!
  referenceDocumentUri: String
  app: App
  changes(inventoryItemIds: [ID!], locationIds: [ID!], quantityNames: [String!]): [InventoryChange!]!
}

type InventoryChange {
  name: String!
  delta: Int!
  quantityAfterChange: Int
  ledgerDocumentUri: String
  item: InventoryItem
  location: Location
}

input InventoryAdjustQuantitiesInput {
  changes: [InventoryChangeInput!]!
  name: String!
  reason: String!
  referenceDocumentUri: String
}

input InventoryChangeInput {
  changeFromQuantity: Int
  delta: Int!
  inventoryItemId: ID!
  ledgerDocumentUri: String
  locationId: ID!
}

type InventoryAdjustQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventoryAdjustQuantitiesUserError!]!
}

type InventoryAdjustQuantitiesUserError implements DisplayableError {
  code: InventoryAdjustQuantitiesUserErrorCode
  field: [String!]
  message: String!
}

enum InventoryAdjustQuantitiesUserErrorCode {
  ADJUST_QUANTITIES_FAILED
  CHANGE_FROM_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INTERNAL_LEDGER_DOCUMENT
  INVALID_AVAILABLE_DOCUMENT
  INVALID_INVENTORY_ITEM
  INVALID_LEDGER_DOCUMENT
  INVALID_LOCATION
  INVALID_QUANTITY_DOCUMENT
  INVALID_QUANTITY_NAME
  INVALID_QUANTITY_TOO_HIGH
  INVALID_QUANTITY_TOO_LOW
  INVALID_REASON
  INVALID_REFERENCE_DOCUMENT
  MAX_ONE_LEDGER_DOCUMENT
  NON_MUTABLE_INVENTORY_ITEM
  SERVICE_UNAVAILABLE
}

type InventoryActivatePayload {
  inventoryLevel: InventoryLevel
  userErrors: [UserError!]!
}

type InventoryDeactivatePayload {
  userErrors: [UserError!]!
}

input InventoryBulkToggleActivationInput {
  activate: Boolean!
  locationId: ID!
}

type InventoryBulkToggleActivationPayload {
  inventoryItem: InventoryItem
  inventoryLevels: [InventoryLevel!]
  userErrors: [InventoryBulkToggleActivationUserError!]!
}

type InventoryBulkToggleActivationUserError implements DisplayableError {
  code: InventoryBulkToggleActivationUserErrorCode
  field: [String!]
  message: String!
}

enum InventoryBulkToggleActivationUserErrorCode {
  CANNOT_DEACTIVATE_FROM_ONLY_LOCATION
  COMMITTED_AND_INCOMING_INVENTORY_AT_LOCATION
  COMMITTED_INVENTORY_AT_LOCATION
  FAILED_TO_STOCK_AT_LOCATION
  FAILED_TO_UNSTOCK_FROM_LOCATION
  GENERIC_ERROR
  INCOMING_INVENTORY_AT_LOCATION
  INVENTORY_ITEM_NOT_FOUND
  INVENTORY_MANAGED_BY_3RD_PARTY
  INVENTORY_MANAGED_BY_SHOPIFY
  LOCATION_NOT_FOUND
  MISSING_SKU
  RESERVED_INVENTORY_AT_LOCATION
}

input InventoryItemInput {
  tracked: Boolean
  sku: String
  requiresShipping: Boolean
}

type InventoryItemUpdatePayload {
  inventoryItem: InventoryItem
  userErrors: [UserError!]!
}

type UserError implements DisplayableError {
  field: [String!]
  message: String!
}

type TagsAddPayload {
  node: Node
  userErrors: [UserError!]!
}

type TagsRemovePayload {
  node: Node
  userErrors: [UserError!]!
}

type OrderCancelPayload {
  job: Job
  orderCancelUserErrors: [OrderCancelUserError!]!
  userErrors: [UserError!]!
}

type OrderCancelUserError implements DisplayableError {
  code: OrderCancelUserErrorCode
  field: [String!]
  message: String!
}

enum OrderCancelUserErrorCode {
  INTERNAL_ERROR
  INVALID
  NOT_FOUND
  NO_REFUND_PERMISSION
  NO_REFUND_TO_STORE_CREDIT_PERMISSION
  STORE_CREDIT_REFUND_B2B_NOT_SUPPORTED
  STORE_CREDIT_REFUND_EXPIRATION_IN_PAST
  STORE_CREDIT_REFUND_MISSING_CUSTOMER
}

input OrderCancelRefundMethodInput @oneOf {
  originalPaymentMethodsRefund: Boolean
  storeCreditRefund: OrderCancelStoreCreditRefundInput
}

input OrderCancelStoreCreditRefundInput {
  expiresAt: DateTime
}

type Job {
  id: ID!
  done: Boolean!
}

type WebhookSubscription implements LegacyInteroperability & Node {
  id: ID!
  legacyResourceId: UnsignedInt64!
  topic: WebhookSubscriptionTopic!
  uri: String!
  callbackUrl: URL!
  format: WebhookSubscriptionFormat!
  filter: String
  includeFields: [String!]!
  name: String
  apiVersion: ApiVersion!
  createdAt: DateTime!
  updatedAt: DateTime!
  endpoint: WebhookSubscriptionEndpoint!
}

type WebhookHttpEndpoint {
  callbackUrl: URL!
}

type WebhookSubscriptionConnection {
  edges: [WebhookSubscriptionEdge!]!
  nodes: [WebhookSubscription!]!
  pageInfo: PageInfo!
}

type WebhookSubscriptionEdge {
  cursor: String!
  node: WebhookSubscription!
}

input WebhookSubscriptionInput {
  uri: String
  callbackUrl: URL
  format: WebhookSubscriptionFormat
  filter: String
  includeFields: [String!]
  name: String
}

enum WebhookSubscriptionFormat {
  JSON
  XML
}

enum WebhookSubscriptionSortKeys {
  CREATED_AT
  ID
}

type WebhookSubscriptionCreatePayload {
  userErrors: [UserError!]!
  webhookSubscription: WebhookSubscription
}

type WebhookSubscriptionUpdatePayload {
  userErrors: [UserError!]!
  webhookSubscription: WebhookSubscription
}

type WebhookSubscriptionDeletePayload {
  deletedWebhookSubscriptionId: ID
  userErrors: [UserError!]!
}

type ApiVersion {
  displayName: String!
  handle: String!
  supported: Boolean!
}

enum WebhookSubscriptionTopic {
  APP_SCOPES_UPDATE
  APP_UNINSTALLED
  BULK_OPERATIONS_FINISH
  FULFILLMENTS_CREATE
  FULFILLMENTS_UPDATE
  FULFILLMENT_HOLDS_ADDED
  FULFILLMENT_HOLDS_RELEASED
  FULFILLMENT_ORDERS_HOLD_RELEASED
  FULFILLMENT_ORDERS_PLACED_ON_HOLD
  INVENTORY_ITEMS_CREATE
  INVENTORY_ITEMS_DELETE
  INVENTORY_ITEMS_UPDATE
  INVENTORY_LEVELS_CONNECT
  INVENTORY_LEVELS_DISCONNECT
  INVENTORY_LEVELS_UPDATE
  LOCATIONS_ACTIVATE
  LOCATIONS_CREATE
  LOCATIONS_DEACTIVATE
  LOCATIONS_DELETE
  LOCATIONS_UPDATE
  ORDERS_CANCELLED
  ORDERS_CREATE
  ORDERS_DELETE
  ORDERS_EDITED
  ORDERS_FULFILLED
  ORDERS_PAID
  ORDERS_PARTIALLY_FULFILLED
  ORDERS_UPDATED
  PRODUCTS_CREATE
  PRODUCTS_DELETE
  PRODUCTS_UPDATE
  REFUNDS_CREATE
}

type BulkOperation implements Node {
  completedAt: DateTime
  createdAt: DateTime!
  errorCode: BulkOperationErrorCode
  fileSize: UnsignedInt64
  id: ID!
  objectCount: UnsignedInt64!
  partialDataUrl: URL
  query: String!
  rootObjectCount: UnsignedInt64!
  status: BulkOperationStatus!
  type: BulkOperationType!
  url: URL
}

enum BulkOperationStatus {
  CANCELED
  CANCELING
  COMPLETED
  CREATED
  EXPIRED
  FAILED
  RUNNING
}

enum BulkOperationErrorCode {
  ACCESS_DENIED
  INTERNAL_SERVER_ERROR
  TIMEOUT
}

enum BulkOperationType {
  MUTATION
  QUERY
}

type BulkOperationRunQueryPayload {
  bulkOperation: BulkOperation
  userErrors: [BulkOperationUserError!]!
}

type BulkOperationUserError implements DisplayableError {
  code: BulkOperationUserErrorCode
  field: [String!]
  message: String!
}

enum BulkOperationUserErrorCode {
  INVALID
  LIMIT_REACHED
  OPERATION_IN_PROGRESS
}

type PageInfo {
  endCursor: String
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
}

type Count {
  count: Int!
  precision: CountPrecision!
}

enum CountPrecision {
  AT_LEAST
  EXACT
}

enum LocationSortKeys {
  ID
  NAME
  RELEVANCE
}

scalar DateTime

scalar URL

scalar UnsignedInt64

scalar Decimal

scalar Money
`;
