import type { Call as AnyCall, Rest } from '../kit/rest.ts';

/** One request. `query` in clear text; `data` describes the envelope's `data`. */
export interface Call<T> extends AnyCall<T> {
  query?: Readonly<Record<string, string>>;
  /** True for the few calls that refuse a shop's cipher (TTS-1.3). */
  isShopless?: true;
}

/** The signed interface of one shop. */
export type Api = Rest<Call<unknown>>;
