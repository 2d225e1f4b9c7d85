import type { FaultRequest, Shop } from '../shop.ts';

export type Chaos = 'none' | 'normal' | 'hell';
export const chaosLevels: readonly Chaos[] = ['none', 'normal', 'hell'];

/** What goes wrong, and how often. A shop that does not know a fault goes without it. */
const normal: FaultRequest[] = [
  { name: 'drop_webhook', rate: 0.02 },
  { name: 'duplicate_webhook', rate: 0.05 },
  { name: 'delay_webhook', rate: 0.05, ms: 800 },
  { name: 'error_500', rate: 0.01 },
];

const hell: FaultRequest[] = [
  { name: 'drop_webhook', rate: 0.1 },
  { name: 'duplicate_webhook', rate: 0.2 },
  { name: 'delay_webhook', rate: 0.15, ms: 1_500 },
  { name: 'reorder_webhook', rate: 0.1 },
  { name: 'bad_signature', rate: 0.02 },
  { name: 'apply_then_timeout', rate: 0.08 },
  { name: 'timeout', rate: 0.02 },
  { name: 'error_500', rate: 0.03 },
  { name: 'error_500_after', rate: 0.03 },
  { name: 'throttle', rate: 0.02 },
  { name: 'slow', rate: 0.03, ms: 300 },
  { name: 'sale_before_write', rate: 0.03 },
  { name: 'late_apply', rate: 0.02, ms: 600 },
];

/** Turns the faults of a level on. */
export function stormy(shop: Shop, chaos: Chaos): void {
  const faults = chaos === 'hell' ? hell : chaos === 'normal' ? normal : [];
  for (const fault of faults) arm(shop, fault);
}

/** Turns everything off. */
export function calm(shop: Shop): void {
  shop.fault({ clear: true });
}

/** A fault that the platform does not know is left out; the shop says so by an error. */
export function arm(shop: Shop, fault: FaultRequest): void {
  try {
    shop.fault(fault);
  } catch {
    // This platform has no such fault.
  }
}
