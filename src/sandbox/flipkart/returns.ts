import type { Floor } from './notifier.ts';
import { after, dayMs, type Return, touch } from './site.ts';
import { returnItemView, returnsOf } from './views.ts';

type Wish = Pick<Return, 'shipment' | 'item' | 'source'>;

/** What comes back: one return for each unit (FK-5.5). None of it moves a number of the platform. */
export function openReturns(floor: Floor, wish: Wish, units: number): void {
  const known = returnsOf(floor, wish.item).filter(({ status }) => status !== 'CANCELLED').length;
  const left = Math.min(units, wish.item.quantity - known);
  for (let unit = 0; unit < left; unit += 1) begin(floor, wish);
}

function begin(floor: Floor, wish: Wish): void {
  const { ids, now, faults, chance } = floor;
  const one: Return = {
    ...wish,
    number: ids.next(),
    id: ids.return(),
    status: 'CREATED',
    reason:
      wish.source === 'courier_return'
        ? 'order_cancelled'
        : chance.returns.pick(['quality_issue', 'size_issue']),
    trackingId: ids.tracking(),
    createdAt: now(),
    updatedAt: now(),
  };
  floor.returns.set(one.id, one);
  const tell = (event: string, attributes: Record<string, unknown>) => {
    one.updatedAt = now();
    touch(floor, one.shipment);
    floor.notifier.returnEvent(event, one, attributes);
  };
  tell('return_created', { status: 'RETURN_CREATED', returnItems: [returnItemView(one)] });
  if (faults.hits('return_changes')) {
    one.trackingId = ids.tracking();
    for (const event of ['return_tracking_id_update', 'return_expected_date_changed'])
      tell(event, { returnItems: [returnItemView(one)] });
  }
  const returnItems = [{ orderItemId: one.item.id }];
  const cancelled = faults.hits('return_cancelled');
  after(floor, 2 * dayMs, () => {
    if (!cancelled) tell('return_picked_up', { returnItems });
  });
  after(floor, 5 * dayMs, () => {
    one.status = cancelled ? 'CANCELLED' : 'COMPLETED';
    const status = `RETURN_${one.status}`;
    tell(status.toLowerCase(), { status, returnItems });
  });
}
