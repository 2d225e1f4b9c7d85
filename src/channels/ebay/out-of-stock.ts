import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Priority } from '../kit/pace.ts';
import { type Trading, wellAnswered } from './trading.ts';

/** The account's Out-of-Stock control: without it a listing that reaches 0 is ended for good (EBAY-5.3). */
export interface OutOfStock {
  /** Is it on? An "on" is believed for ten minutes, an "off" never. Throws `ChannelError`. */
  isOn(signal: AbortSignal, priority?: Priority): Promise<boolean>;
}

const Preferences = z.object({
  OutOfStockControlPreference: z
    .string()
    .nullish()
    .transform((text) => text === 'true'),
});
const believedMs = 10 * 60_000;

/** Why a 0 is not written, and what to do. */
export const zeroRefused = {
  error: 'Out-of-Stock control is off: a quantity of 0 would end the listing for good',
  hint: 'switch on "out of stock option" in My eBay > Account > Site preferences > Sales; the number is tried again hourly',
} as const;

/** Reads the preference by GetUserPreferences; a missing answer counts as off. */
export function createOutOfStock(trading: Trading, clock: Clock): OutOfStock {
  let onSince: number | null = null;
  return {
    async isOn(signal, priority = 'read') {
      if (onSince !== null && clock.now() - onSince < believedMs) return true;
      const name = 'GetUserPreferences';
      const body = '<ShowOutOfStockControlPreference>true</ShowOutOfStockControlPreference>';
      const answer = await trading.call({ name, body, data: Preferences, effect: 'read', priority }, signal);
      const on = wellAnswered(name, answer).OutOfStockControlPreference;
      onSince = on ? clock.now() : null;
      return on;
    },
  };
}
