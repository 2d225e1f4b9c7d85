import { createHash } from 'node:crypto';
import { type Delivery, type DeliveryContent, type Receipt, UnreadableDelivery } from '../channel.ts';
import { jsonOf } from './json.ts';

/** A delivery that is not believed; the body tells the sender why. */
export function refused(reason: string, status: 400 | 401 | 403 | 405 | 412 | 415 = 401): Receipt {
  return { kind: 'refused', status, reason };
}

/** A key for deliveries that carry no id of their own: what they say. */
export function hashKey(...parts: (string | Uint8Array)[]): string {
  return `sha256:${digestOf(...parts)}`;
}

/** SHA-256 of the parts, one after the other, as hex. */
export function digestOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What the vault keeps of a secret that a platform never tells again: what it was registered for, and a fingerprint. */
export function registeredWith(id: string, secret: string): string {
  return `${id}:${digestOf(`invsync\0${secret}`).slice(0, 32)}`;
}

/** The JSON of a stored delivery. Throws `UnreadableDelivery`, named by its kind. */
export function jsonIn({ kind, body }: Delivery): unknown {
  const json = jsonOf(body);
  if (json === undefined) throw new UnreadableDelivery(`${kind.slice(0, 60)}: the body is not JSON`);
  return json;
}

/** A delivery that says nothing but what is given. */
export function saying(said: Partial<DeliveryContent>): DeliveryContent {
  return { orders: [], fetch: [], touched: [], ignored: null, alert: null, ...said };
}
