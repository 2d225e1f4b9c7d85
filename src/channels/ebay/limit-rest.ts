import { ChannelError } from '../errors.ts';

/** How long to rest after refusals for a call limit, where the answer does not tell. */
export interface LimitRest {
  /** The refusal with a time: the told one, or our own, which doubles with each refusal in a row. */
  timed(error: ChannelError): ChannelError;
  /** A call went well. */
  ended(): void;
}

/** Bursts end within seconds; the daily limit ends at a time that no answer tells (EBAY-7), so that we ask seldom. */
const firstMs = 5_000;
const mostMs = 15 * 60_000;

/** Starts with no refusal. */
export function createLimitRest(): LimitRest {
  let inRow = 0;
  return {
    timed(error) {
      inRow += 1;
      const afterMs = error.afterMs ?? Math.min(mostMs, firstMs * 2 ** Math.min(20, inRow - 1));
      return new ChannelError('throttled', error.message, { afterMs, hint: error.hint, cause: error });
    },
    ended() {
      inRow = 0;
    },
  };
}
