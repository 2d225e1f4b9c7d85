import { z } from 'zod';
import {
  type Delivery,
  type DeliveryContent,
  type FactsOf,
  type Json,
  type Obtaining,
  UnreadableDelivery,
} from '../channel.ts';
import { jsonIn, saying } from '../kit/hook.ts';
import { MaybeId } from '../kit/shapes.ts';
import { KeptShipment } from './shipment.ts';
import { snapshotOf } from './snapshot.ts';

/** Everything that `fieldsOf` and the order reads produce. */
const Kept = z.discriminatedUnion('kind', [
  KeptShipment,
  z.object({ kind: z.literal('look'), shipmentId: z.string() }),
  z.object({ kind: z.literal('returned'), returnId: z.string() }),
  z.object({ kind: z.literal('ignored'), why: z.string() }),
  z.object({ kind: z.literal('unreadable'), shipmentId: z.string() }),
]);

const About = z.object({ shipmentId: MaybeId, returnId: MaybeId }).catch({});

/** Shipment events that move no stock (FK-2.3); one literal is from memory. Any other shipment event is looked at. */
const idle = new Set(['shipment_dispatch_dates_changed', 'shipment_form_failed']);

/**
 * The kept fields of a notification: which shipment to look at, never what it says of it, because its signature does not
 * cover the body (FK-2.4). Throws `UnreadableDelivery`.
 */
export function fieldsOf(delivery: Delivery): Json {
  const event = delivery.kind;
  const { shipmentId, returnId } = About.parse(jsonIn(delivery));
  if (idle.has(event)) return { kind: 'ignored', why: `${event} moves no stock` };
  if (event.startsWith('shipment_')) {
    if (shipmentId) return { kind: 'look', shipmentId };
    throw new UnreadableDelivery(`${event.slice(0, 60)}: the shipment id is missing`);
  }
  if (event === 'return_completed') {
    if (returnId) return { kind: 'returned', returnId };
    throw new UnreadableDelivery(`${event}: the return id is missing`);
  }
  if (event.startsWith('return_')) return { kind: 'ignored', why: 'a return on its way moves no stock' };
  return { kind: 'ignored', why: `event ${event.slice(0, 60)} says nothing about stock` };
}

/** The ids by which the fields name listings. */
export function refsIn(fields: Json): string[] {
  const kept = Kept.parse(fields);
  if (kept.kind !== 'shipment') return [];
  const refs = kept.lines.flatMap(({ sku, listingId }) => [sku, listingId]);
  return [...new Set(refs.filter((ref) => ref !== null))];
}

/**
 * What kept fields say at a location. A shipment of another location draws on stock that this channel does not keep.
 * Throws `UnreadableDelivery` for a pulled shipment that could not be read.
 */
export function ordersIn(location: string, fields: Json, facts: FactsOf, how: Obtaining): DeliveryContent {
  const kept = Kept.parse(fields);
  switch (kept.kind) {
    case 'shipment': {
      const why = whyNotOurs(kept, location);
      return saying(why === null ? { orders: [snapshotOf(kept, facts, how)] } : { ignored: why });
    }
    case 'look':
      return saying({ fetch: [kept.shipmentId] });
    case 'returned':
      return saying({ alert: alertOf(kept.returnId) });
    case 'ignored':
      return saying({ ignored: kept.why });
    case 'unreadable':
      throw new UnreadableDelivery(`shipment ${kept.shipmentId.slice(0, 60)} has a form that cannot be read`);
  }
}

function whyNotOurs(kept: KeptShipment, location: string): string | null {
  if (kept.location !== null && kept.location !== location) return 'a shipment of another location';
  const theirs = kept.lines.length > 0 && kept.lines.every((line) => line.theirs);
  return theirs ? 'shipped by Flipkart from its own warehouse' : null;
}

/** Only a person knows whether what came back can be sold (FK-2.3: no restock by itself). */
function alertOf(returnId: string): string {
  const id = returnId.replace(/[^A-Za-z0-9_.:-]/g, '').slice(0, 60);
  return `return ${id} is completed: if the goods can be sold again, run: invsync stock receive SKU N --ref ${id}`;
}
