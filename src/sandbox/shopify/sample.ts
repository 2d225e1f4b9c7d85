import { sampleOrderId } from './state.ts';

/**
 * The fixed order that "Send test notification" and the command line tool deliver (SHP-9.1, SHP-9.2): an id beyond
 * 2^53 that exists in no shop, and line items whose SKUs and variants nobody sells.
 */
export function sampleOrder(): Record<string, unknown> {
  const line = (id: bigint, sku: string, variantId: bigint) => ({
    id,
    admin_graphql_api_id: `gid://shopify/LineItem/${id}`,
    variant_id: variantId,
    product_id: 632910392n,
    sku,
    title: 'IPod Nano - 8GB',
    quantity: 1,
    current_quantity: 1,
    fulfillable_quantity: 1,
    fulfillment_status: null,
    requires_shipping: true,
    gift_card: false,
    product_exists: true,
    variant_inventory_management: 'shopify',
    properties: [],
  });
  return {
    id: sampleOrderId,
    admin_graphql_api_id: `gid://shopify/Order/${sampleOrderId}`,
    name: '#9999',
    order_number: 1234,
    test: true,
    confirmed: false,
    created_at: '2021-12-31T19:00:00-05:00',
    updated_at: '2021-12-31T19:00:00-05:00',
    processed_at: '2021-12-31T19:00:00-05:00',
    cancelled_at: '2021-12-31T19:00:00-05:00',
    cancel_reason: 'customer',
    closed_at: null,
    currency: 'USD',
    financial_status: 'voided',
    fulfillment_status: 'pending',
    source_name: 'web',
    location_id: null,
    email: 'jon@example.com',
    line_items: [
      line(866550311766439020n, 'IPOD2008PINK', 808950810n),
      line(141249953214522974n, '', 808950811n),
    ],
    fulfillments: [],
    refunds: [],
  };
}
