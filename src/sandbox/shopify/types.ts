/** The arguments of every connection. */
export const page = 'after: String, before: String, first: Int, last: Int';

/**
 * Object and input types of SHP-3 to SHP-8. Fields of one type share a line; those that come with an interface are not
 * repeated; connections, payloads and user errors are derived (`schema.ts` does all three).
 */
export const types = `
type Shop implements Node {
  name email myshopifyDomain ianaTimezone timezoneOffset timezoneAbbreviation: String!
  currencyCode: CurrencyCode!
  createdAt updatedAt: DateTime!
  url: URL!
  plan: ShopPlan!
}

type App implements Node {
  apiKey title webhookApiVersion: String!
  handle: String
}

type AppInstallation implements Node {
  app: App!
  accessScopes: [AccessScope!]!
  launchUrl: URL!
  uninstallUrl: URL
}

type Location implements LegacyInteroperability & Node {
  name: String!
  isActive activatable deactivatable fulfillsOnlineOrders isFulfillmentService hasActiveInventory: Boolean!
  shipsInventory: Boolean!
  deactivatedAt: String
  createdAt updatedAt: DateTime!
  inventoryLevel(includeInactive: Boolean = false, inventoryItemId: ID!): InventoryLevel
  inventoryLevels(${page}, includeInactive: Boolean = false, query: String, reverse: Boolean = false): InventoryLevelConnection!
}

type InventoryLevel implements Node {
  isActive canDeactivate: Boolean!
  createdAt updatedAt: DateTime!
  item: InventoryItem!
  location: Location!
  quantities(names: [String!]!): [InventoryQuantity!]!
}

type InventoryQuantity implements Node {
  name: String!
  quantity: Int!
  updatedAt: DateTime
}

type InventoryItem implements LegacyInteroperability & Node {
  sku: String
  tracked requiresShipping: Boolean!
  duplicateSkuCount: Int!
  createdAt updatedAt: DateTime!
  inventoryLevel(includeInactive: Boolean = false, locationId: ID!): InventoryLevel
  inventoryLevels(${page}, includeInactive: Boolean = false, query: String, reverse: Boolean = false): InventoryLevelConnection!
  locationsCount: Count
  variant: ProductVariant!
  variants(${page}): ProductVariantConnection
}

type Product implements LegacyInteroperability & Node {
  title handle: String!
  status: ProductStatus!
  isGiftCard tracksInventory hasVariantsThatRequiresComponents: Boolean!
  createdAt updatedAt: DateTime!
  variants(${page}, reverse: Boolean = false): ProductVariantConnection!
  totalInventory: Int!
}

type ProductVariant implements LegacyInteroperability & Node {
  title displayName: String!
  sku barcode: String
  position sellableOnlineQuantity: Int!
  price: Money!
  inventoryPolicy: ProductVariantInventoryPolicy!
  inventoryQuantity: Int
  availableForSale requiresComponents taxable: Boolean!
  createdAt updatedAt: DateTime!
  product: Product!
  inventoryItem: InventoryItem!
  productVariantComponents(${page}, reverse: Boolean = false): ProductVariantComponentConnection!
}

type ProductVariantComponent implements Node {
  productVariant: ProductVariant!
  quantity: Int!
}

type Order implements LegacyInteroperability & Node {
  name: String!
  number currentSubtotalLineItemsQuantity subtotalLineItemsQuantity: Int!
  createdAt updatedAt processedAt: DateTime!
  cancelledAt closedAt: DateTime
  cancelReason: OrderCancelReason
  cancellation: OrderCancellation
  closed confirmed edited test fullyPaid unpaid requiresShipping fulfillable restockable: Boolean!
  sourceName note: String
  displayFinancialStatus: OrderDisplayFinancialStatus
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  tags: [String!]!
  currencyCode: CurrencyCode!
  returnStatus: OrderReturnStatus!
  lineItems(${page}, reverse: Boolean = false): LineItemConnection!
  nonFulfillableLineItems(${page}, reverse: Boolean = false): LineItemConnection!
  refunds(first: Int): [Refund!]!
  fulfillments(first: Int, query: String): [Fulfillment!]!
  fulfillmentsCount: Count
  fulfillmentOrders(${page}, displayable: Boolean = false, query: String, reverse: Boolean = false): FulfillmentOrderConnection!
  retailLocation: Location
}

type LineItem implements Node {
  name title fulfillmentStatus: String!
  sku variantTitle vendor: String
  quantity currentQuantity unfulfilledQuantity nonFulfillableQuantity refundableQuantity: Int!
  fulfillableQuantity: Int!
  requiresShipping restockable isGiftCard taxable: Boolean!
  variant: ProductVariant
  product: Product
  lineItemGroup: LineItemGroup
}

type LineItemGroup implements Node {
  quantity: Int!
  title: String!
  productId variantId: ID
  variantSku: String
}

type Refund implements LegacyInteroperability & Node {
  createdAt: DateTime
  processedAt updatedAt: DateTime!
  note: String
  order: Order!
  refundLineItems(${page}, reverse: Boolean = false): RefundLineItemConnection!
}

type RefundLineItem {
  id: ID
  lineItem: LineItem!
  location: Location
  quantity: Int!
  restockType: RefundLineItemRestockType!
  restocked: Boolean!
}

type Fulfillment implements LegacyInteroperability & Node {
  name: String!
  status: FulfillmentStatus!
  displayStatus: FulfillmentDisplayStatus
  createdAt updatedAt: DateTime!
  deliveredAt inTransitAt: DateTime
  totalQuantity: Int!
  requiresShipping: Boolean!
  location: Location
  order: Order!
  fulfillmentLineItems(${page}, reverse: Boolean = false): FulfillmentLineItemConnection!
  fulfillmentOrders(${page}, reverse: Boolean = false): FulfillmentOrderConnection!
}

type FulfillmentLineItem implements Node {
  lineItem: LineItem!
  quantity: Int
}

type FulfillmentOrder implements Node {
  status: FulfillmentOrderStatus!
  requestStatus: FulfillmentOrderRequestStatus!
  createdAt updatedAt orderProcessedAt: DateTime!
  fulfillAt: DateTime
  orderId: ID!
  orderName: String!
  order: Order!
  assignedLocation: FulfillmentOrderAssignedLocation!
  supportedActions: [FulfillmentOrderSupportedAction!]!
  fulfillmentHolds: [FulfillmentHold!]!
  lineItems(${page}, reverse: Boolean = false): FulfillmentOrderLineItemConnection!
}

type FulfillmentOrderLineItem implements Node {
  totalQuantity remainingQuantity: Int!
  requiresShipping: Boolean!
  productTitle: String!
  variantTitle sku vendor: String
  inventoryItemId: ID
  lineItem: LineItem!
  variant: ProductVariant
}

type FulfillmentHold implements Node {
  displayReason: String!
  handle reasonNotes: String
  heldByApp: App
  heldByRequestingApp: Boolean!
  reason: FulfillmentHoldReason!
}

input FulfillmentOrderHoldInput {
  externalId reasonNotes: String
  fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!] = []
  handle: String = ""
  notifyMerchant: Boolean = false
  reason: FulfillmentHoldReason!
}

input InventorySetQuantitiesInput {
  name reason: String!
  quantities: [InventoryQuantityInput!]!
  referenceDocumentUri: String
}

input InventoryQuantityInput {
  changeFromQuantity: Int
  inventoryItemId locationId: ID!
  quantity: Int!
}

type InventoryAdjustmentGroup implements Node {
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
  name reason: String!
  referenceDocumentUri: String
}

input InventoryChangeInput {
  changeFromQuantity: Int
  delta: Int!
  inventoryItemId locationId: ID!
  ledgerDocumentUri: String
}

type OrderCancelPayload {
  job: Job
  orderCancelUserErrors: [OrderCancelUserError!]!
  userErrors: [UserError!]!
}

input OrderCancelRefundMethodInput @oneOf {
  originalPaymentMethodsRefund: Boolean
  storeCreditRefund: OrderCancelStoreCreditRefundInput
}

type WebhookSubscription implements LegacyInteroperability & Node {
  topic: WebhookSubscriptionTopic!
  uri: String!
  callbackUrl: URL!
  format: WebhookSubscriptionFormat!
  filter name: String
  includeFields: [String!]!
  apiVersion: ApiVersion!
  createdAt updatedAt: DateTime!
  endpoint: WebhookSubscriptionEndpoint!
}

input WebhookSubscriptionInput {
  uri filter name: String
  callbackUrl: URL
  format: WebhookSubscriptionFormat
  includeFields: [String!]
}

type BulkOperation implements Node {
  completedAt: DateTime
  createdAt: DateTime!
  errorCode: BulkOperationErrorCode
  fileSize: UnsignedInt64
  objectCount rootObjectCount: UnsignedInt64!
  partialDataUrl url: URL
  query: String!
  status: BulkOperationStatus!
  type: BulkOperationType!
}

type ShopPlan { partnerDevelopment: Boolean!, shopifyPlus: Boolean!, publicDisplayName: String! }
type AccessScope { handle: String!, description: String! }
type OrderCancellation { staffNote: String }
type FulfillmentOrderSupportedAction { action: FulfillmentOrderAction!, externalUrl: URL }
type FulfillmentOrderAssignedLocation { countryCode: CountryCode!, location: Location, name: String! }
input FulfillmentOrderLineItemInput { id: ID!, quantity: Int! }
input InventoryBulkToggleActivationInput { activate: Boolean!, locationId: ID! }
input InventoryItemInput { tracked: Boolean, requiresShipping: Boolean, sku: String }
input OrderCancelStoreCreditRefundInput { expiresAt: DateTime }
type Job { id: ID!, done: Boolean! }
type WebhookHttpEndpoint { callbackUrl: URL! }
type ApiVersion { displayName: String!, handle: String!, supported: Boolean! }
type BulkOperationRunQueryPayload { bulkOperation: BulkOperation, userErrors: [BulkOperationUserError!]! }
type PageInfo { endCursor: String, startCursor: String, hasNextPage: Boolean!, hasPreviousPage: Boolean! }
type Count { count: Int!, precision: CountPrecision! }
`;
