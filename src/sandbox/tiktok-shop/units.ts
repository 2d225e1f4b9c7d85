import { recordOf } from '../kit/orders.ts';
import type { ShopOrder } from '../shop.ts';
import type { Order, Unit } from './state.ts';

/**
 * The platform has one line item per unit. How `sell` and `records` name lines: `sku`: all units of a SKU are one line
 * under the SKU's id; `first`: the same under the id of the first unit; `unit`: each unit is a line under its own id.
 * The verbs take the id of a unit and that of a SKU alike.
 */
export type LineGrain = 'sku' | 'first' | 'unit';

/** An order's units as lines. */
export function linesOf(order: Order, grain: LineGrain): { id: string; sku: string; units: Unit[] }[] {
  const groups = new Map<string, Unit[]>();
  for (const unit of order.units) {
    const key = grain === 'unit' ? unit.id : unit.sku.id;
    groups.set(key, [...(groups.get(key) ?? []), unit]);
  }
  return [...groups].map(([key, units]) => ({
    id: grain === 'first' ? (units[0]?.id ?? key) : key,
    sku: units[0]?.sku.sellerSku ?? '',
    units,
  }));
}

/**
 * The shop's truth of an order: units that were called off before they left are free, all others stay taken, returns
 * and lost parcels included. `heard` counts changes of units only: most state changes move none.
 */
export function truthOf(order: Order, grain: LineGrain): ShopOrder {
  const takes = (unit: Unit) => unit.shipped || unit.status !== 'CANCELLED';
  return recordOf(order, {
    order_id: order.id,
    status: statusOf(order),
    lines: linesOf(order, grain).map((line) => ({
      line_id: line.id,
      sku: line.sku,
      taken: line.units.filter(takes).length,
      gone: line.units.filter((unit) => unit.shipped).length,
    })),
  });
}

function statusOf(order: Order): string {
  if (order.status === 'CANCELLED') return 'cancelled';
  const kept = order.units.filter((unit) => unit.status !== 'CANCELLED');
  return kept.every((unit) => unit.shipped) ? 'shipped' : 'open';
}
