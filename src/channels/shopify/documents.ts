const pageInfo = 'pageInfo { hasNextPage endCursor }';

const lineState = `id sku quantity currentQuantity unfulfilledQuantity isGiftCard vendor variant { id }`;

/** Enough for most orders; what does not fit is read with OrderDetails. Counts 33 points per order with 10 lines. */
const orderState = `
  id name createdAt updatedAt cancelledAt displayFinancialStatus
  lineItems(first: 10) { nodes { ${lineState} } ${pageInfo} }
  refunds(first: 1) { id }
  fulfillments(first: 10) { status createdAt }`;

const refundRows = `nodes { quantity restockType lineItem { id } } ${pageInfo}`;

/**
 * Every document that is ever sent, by operation name. Page sizes keep the requested cost below 1,000 points even
 * when each node counts (SHP-7). A test validates each one against the official schemas.
 */
export const documents = {
  Shop: `query Shop {
    shop { id myshopifyDomain name }
    currentAppInstallation { id accessScopes { handle } } }`,

  Locations: `query Locations($after: String) {
    locations(first: 50, after: $after) { nodes { id name isActive fulfillsOnlineOrders } ${pageInfo} } }`,

  Location: `query Location($id: ID!) { location(id: $id) { id name isActive fulfillsOnlineOrders } }`,

  Policies: `query Policies { productVariants(first: 100, sortKey: ID) {
    nodes { id sku inventoryPolicy inventoryItem { id tracked } } } }`,

  Listings: `query Listings($first: Int!, $after: String, $location: ID!) {
    productVariants(first: $first, after: $after, sortKey: ID) {
      nodes { id sku displayName requiresComponents
        inventoryItem { id sku tracked duplicateSkuCount
          inventoryLevel(locationId: $location) { id isActive quantities(names: ["available"]) { name quantity } } } }
      ${pageInfo} } }`,

  Levels: `query Levels($ids: [ID!]!, $location: ID!) {
    nodes(ids: $ids) { ... on InventoryItem { id tracked
      inventoryLevel(locationId: $location) { isActive quantities(names: ["available"]) { name quantity } } } } }`,

  SetQuantities: `mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
    inventorySetQuantities(input: $input) @idempotent(key: $key) {
      inventoryAdjustmentGroup { id }
      userErrors { code field message } } }`,

  Activate: `mutation Activate($item: ID!, $location: ID!, $available: Int!, $key: String!) {
    inventoryActivate(inventoryItemId: $item, locationId: $location, available: $available) @idempotent(key: $key) {
      inventoryLevel { id isActive quantities(names: ["available"]) { name quantity } }
      userErrors { field message } } }`,

  OrdersChanged: `query OrdersChanged($first: Int!, $after: String, $query: String!) {
    orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) { nodes { ${orderState} } ${pageInfo} } }`,

  OrdersCreated: `query OrdersCreated($first: Int!, $after: String, $query: String!) {
    orders(first: $first, after: $after, query: $query, sortKey: CREATED_AT) { nodes { ${orderState} } ${pageInfo} } }`,

  OrdersById: `query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { ${orderState} } } }`,

  OrderDetails: `query OrderDetails($id: ID!) {
    order(id: $id) { id name createdAt updatedAt cancelledAt displayFinancialStatus
      lineItems(first: 100) { nodes { ${lineState} } ${pageInfo} }
      refunds(first: 15) { id createdAt refundLineItems(first: 10) { ${refundRows} } }
      fulfillments(first: 10) { status createdAt
        fulfillmentLineItems(first: 10) { nodes { quantity lineItem { id } } ${pageInfo} } } } }`,

  OrderLines: `query OrderLines($id: ID!, $after: String) {
    order(id: $id) { updatedAt lineItems(first: 100, after: $after) { nodes { ${lineState} } ${pageInfo} } } }`,

  OrderRefunds: `query OrderRefunds($id: ID!) { order(id: $id) { updatedAt refunds(first: 250) { id createdAt } } }`,

  RefundRows: `query RefundRows($id: ID!, $after: String) {
    node(id: $id) { ... on Refund { id refundLineItems(first: 100, after: $after) { ${refundRows} } } } }`,

  Hooks: `query Hooks($after: String) { webhookSubscriptions(first: 100, after: $after) {
    nodes { id topic uri format filter includeFields } ${pageInfo} } }`,

  HookCreate: `mutation HookCreate($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
    webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
      webhookSubscription { id } userErrors { field message } } }`,

  HookUpdate: `mutation HookUpdate($id: ID!, $sub: WebhookSubscriptionInput!) {
    webhookSubscriptionUpdate(id: $id, webhookSubscription: $sub) {
      webhookSubscription { id } userErrors { field message } } }`,

  HookDelete: `mutation HookDelete($id: ID!) {
    webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } } }`,

  FulfillmentOrders: `query FulfillmentOrders($id: ID!, $after: String) {
    order(id: $id) { id cancelledAt fulfillmentOrders(first: 10, after: $after) {
      nodes { id status supportedActions { action } fulfillmentHolds { id handle heldByRequestingApp }
        lineItems(first: 30) { nodes { id remainingQuantity lineItem { id } } ${pageInfo} } } ${pageInfo} } } }`,

  HoldFulfillment: `mutation HoldFulfillment($id: ID!, $hold: FulfillmentOrderHoldInput!) {
    fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
      fulfillmentHold { id handle } userErrors { code field message } } }`,

  TagOrder: `mutation TagOrder($id: ID!, $tags: [String!]!) {
    tagsAdd(id: $id, tags: $tags) { userErrors { field message } } }`,

  OrderState: `query OrderState($id: ID!) { order(id: $id) { id cancelledAt } }`,

  CancelOrder: `mutation CancelOrder($id: ID!, $note: String) {
    orderCancel(orderId: $id, reason: INVENTORY, restock: true, notifyCustomer: false, staffNote: $note,
      refundMethod: { originalPaymentMethodsRefund: true }) {
      job { id done } orderCancelUserErrors { code field message } } }`,

  JobState: `query JobState($id: ID!) { job(id: $id) { id done } }`,
} as const;

/** The name of an operation, which is also its operationName on the wire. */
export type DocumentName = keyof typeof documents;
