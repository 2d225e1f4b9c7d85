import { type Cancellation, type Order, type Return, seconds, type Unit } from './state.ts';

/** An order as searches and the detail call show it (TTS-5.2): one line item per unit, nowhere a quantity. */
export function orderView(order: Order): Record<string, unknown> {
  return {
    id: order.id,
    status: order.status,
    create_time: seconds(order.placedAt),
    update_time: seconds(order.updatedAt),
    ...(order.paidAt === null ? {} : { paid_time: seconds(order.paidAt) }),
    fulfillment_type: order.byPlatform ? 'FULFILLMENT_BY_TIKTOK' : 'FULFILLMENT_BY_SELLER',
    shipping_type: 'TIKTOK',
    warehouse_id: order.units[0]?.sku.holdings[0]?.warehouse.id ?? '',
    is_on_hold_order: order.status === 'ON_HOLD',
    is_sample_order: order.sample,
    is_buyer_request_cancel: order.asksToCancel,
    is_replacement_order: order.replaces !== null,
    ...(order.replaces === null ? {} : { replaced_order_id: order.replaces }),
    // When the carrier took the first parcel; from the API's own field descriptions, the facts do not name it.
    ...(order.collectedAt === null ? {} : { collection_time: seconds(order.collectedAt) }),
    cancel_time: order.cancelledAt === null ? 0 : seconds(order.cancelledAt),
    cancellation_initiator: order.cancelledBy ?? '',
    split_or_combine_tag: '',
    user_id: '7213489962827123654',
    buyer_email: 'v2b2V5@chat.seller.example',
    buyer_message: 'Please ring twice',
    payment: { currency: 'USD', total_amount: (9.99 * order.units.length).toFixed(2) },
    recipient_address: {
      name: 'J**n D**',
      phone_number: '(+1)213-***-1234',
      full_address: '1 S**** Street, New York',
      postal_code: '95812',
    },
    line_items: order.units.map(lineItemView),
  };
}

function lineItemView(unit: Unit): Record<string, unknown> {
  const { sku } = unit;
  return {
    id: unit.id,
    sku_id: sku.id,
    seller_sku: sku.sellerSku,
    product_id: sku.product.id,
    product_name: sku.product.title,
    display_status: unit.status,
    sku_type: unit.type,
    is_gift: unit.gift,
    currency: 'USD',
    sale_price: sku.price,
    cancel_user: unit.cancelledBy,
    cancel_reason: unit.cancelReason,
    package_id: unit.packageId,
    package_status: packageStatusOf(unit),
    ...(sku.parts.length === 0
      ? {}
      : {
          combined_listing_skus: sku.parts.map((part) => ({
            sku_id: part.sku.id,
            sku_count: part.count,
            product_id: part.sku.product.id,
            seller_sku: part.sku.sellerSku,
          })),
        }),
  };
}

/** States of the parcel; from the API's own field descriptions, the facts do not name them. */
function packageStatusOf({ packageId, status, shipped }: Unit): string {
  if (packageId === '') return '';
  if (status === 'CANCELLED') return 'CANCELLED';
  if (!shipped) return 'PROCESSING';
  return status === 'DELIVERED' || status === 'COMPLETED' ? 'COMPLETED' : 'FULFILLING';
}

/** A row of the cancellation search (TTS-5.4), with its own spelling of a withdrawn one. */
export function cancellationView(cancellation: Cancellation): Record<string, unknown> {
  const { status } = cancellation;
  return {
    cancel_id: cancellation.id,
    order_id: cancellation.order.id,
    cancel_type: cancellation.type,
    cancel_status: status === 'CANCELLATION_REQUEST_CANCELLED' ? 'CANCELLATION_REQUEST_CANCEL' : status,
    role: cancellation.role,
    create_time: seconds(cancellation.createdAt),
    update_time: seconds(cancellation.updatedAt),
    cancel_line_items: cancellation.units.map((unit, at) => ({
      cancel_line_item_id: `${cancellation.id.slice(0, -3)}${String(at).padStart(3, '0')}`,
      order_line_item_id: unit.id,
      sku_id: unit.sku.id,
      seller_sku: unit.sku.sellerSku,
    })),
  };
}

/** A row of the return search (TTS-5.4). */
export function returnView(made: Return): Record<string, unknown> {
  return {
    return_id: made.id,
    order_id: made.order.id,
    return_type: made.type,
    return_status: made.status,
    role: 'BUYER',
    can_buyer_keep_item: made.type === 'REFUND',
    create_time: seconds(made.createdAt),
    update_time: seconds(made.updatedAt),
    return_line_items: made.units.map((unit) => ({
      order_line_item_id: unit.id,
      sku_id: unit.sku.id,
      seller_sku: unit.sku.sellerSku,
    })),
  };
}
