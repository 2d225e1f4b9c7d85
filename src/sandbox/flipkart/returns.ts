import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { Notifier } from './notifier.ts';
import type { Item, Return, Shipment, Site } from './site.ts';
import { returnItemView } from './views.ts';

/** What comes back: one return for each unit (FK-5.5). None of it moves a number of the platform. */
export interface Returns {
  open(shipment: Shipment, item: Item, units: number, source: Return['source']): void;
}

const dayMs = 86_400_000;

/** `touch` marks a shipment as changed. */
export function createReturns(deps: {
  site: Site;
  notifier: Notifier;
  random: Random;
  touch: (site: Site, shipment: Shipment) => void;
}): Returns {
  const { site, notifier, random, touch } = deps;

  const after = (days: number, run: () => void) =>
    site.life.add({ afterMs: platformMs(days * dayMs, site.timeScale), group: 'life', run });

  const change = (one: Return, event: string, attributes: Record<string, unknown>) => {
    one.updatedAt = site.now();
    touch(site, one.shipment);
    notifier.returnEvent(event, one, attributes);
  };

  const end = (one: Return, cancelled: boolean) => {
    one.status = cancelled ? 'CANCELLED' : 'COMPLETED';
    change(one, cancelled ? 'return_cancelled' : 'return_completed', {
      status: `RETURN_${one.status}`,
      returnItems: [{ orderItemId: one.item.id }],
    });
  };

  const begin = (shipment: Shipment, item: Item, source: Return['source']) => {
    const now = site.now();
    const one: Return = {
      number: site.ids.next(),
      id: site.ids.return(),
      shipment,
      item,
      source,
      status: 'CREATED',
      reason: source === 'courier_return' ? 'order_cancelled' : random.pick(['quality_issue', 'size_issue']),
      subReason: 'other',
      trackingId: site.ids.tracking(),
      createdAt: now,
      updatedAt: now,
    };
    site.returns.set(one.id, one);
    change(one, 'return_created', { status: 'RETURN_CREATED', returnItems: [returnItemView(one)] });
    if (site.faults.hits('return_changes')) {
      one.trackingId = site.ids.tracking();
      for (const event of ['return_tracking_id_update', 'return_expected_date_changed'])
        change(one, event, { returnItems: [returnItemView(one)] });
    }
    const cancelled = site.faults.hits('return_cancelled');
    after(2, () => {
      if (!cancelled) change(one, 'return_picked_up', { returnItems: [{ orderItemId: item.id }] });
    });
    after(5, () => end(one, cancelled));
  };

  return {
    open(shipment, item, units, source) {
      const known = [...site.returns.values()].filter(
        (one) => one.item === item && one.status !== 'CANCELLED',
      ).length;
      const left = Math.min(units, item.quantity - known);
      for (let unit = 0; unit < left; unit += 1) begin(shipment, item, source);
    },
  };
}
