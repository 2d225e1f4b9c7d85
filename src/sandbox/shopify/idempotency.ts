import { platformMs } from '../kit/time.ts';

/** The three ways in which a key is refused (SHP-5.4). */
export const keyErrorTexts = {
  IDEMPOTENCY_CONCURRENT_REQUEST: 'This request is currently in progress, please try again.',
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH:
    'The same idempotency key cannot be used with different operation parameters.',
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED:
    'A previous request with this idempotency key failed. Retry with a new idempotency key.',
};
type KeyError = keyof typeof keyErrorTexts;

export interface UserError {
  code?: string;
  field: string[] | null;
  message: string;
}

/** Any payload of a mutation that takes a key. */
export interface Payload {
  userErrors: UserError[];
  [field: string]: unknown;
}

export type IdempotencyMemory = ReturnType<typeof createIdempotencyMemory>;

type Opened = { kind: 'fresh' } | { kind: 'replay'; result: Payload } | { kind: 'refused'; error: KeyError };

interface Entry {
  /** Null while the request has not run. */
  fingerprint: string | null;
  at: number;
  state: 'running' | 'done' | 'failed';
  result: Payload | null;
}

/** Keys of one app, remembered for a day. */
export function createIdempotencyMemory(timeScale: number) {
  const keptMs = platformMs(24 * 3_600_000, timeScale);
  const entries = new Map<string, Entry>();
  const forget = () => {
    const oldest = Date.now() - keptMs;
    for (const [key, entry] of entries) {
      if (entry.at > oldest) break;
      entries.delete(key);
    }
  };
  return {
    /** A refusal, the first call's result, or `fresh`: the caller runs the operation and then calls `close`. */
    open(key: string, fingerprint: string): Opened {
      forget();
      const entry = entries.get(key);
      if (entry === undefined) {
        entries.set(key, { fingerprint, at: Date.now(), state: 'running', result: null });
        return { kind: 'fresh' };
      }
      if (entry.fingerprint !== null && entry.fingerprint !== fingerprint) {
        return { kind: 'refused', error: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH' };
      }
      if (entry.state === 'running') return { kind: 'refused', error: 'IDEMPOTENCY_CONCURRENT_REQUEST' };
      if (entry.state === 'failed' || entry.result === null) {
        return { kind: 'refused', error: 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED' };
      }
      return { kind: 'replay', result: entry.result };
    },
    close(key: string, result: Payload) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.state = result.userErrors.length > 0 ? 'failed' : 'done';
      entry.result = result;
    },
    /** Marks the key of a request that the platform has taken and not yet run. */
    hold(key: string) {
      if (!entries.has(key)) {
        entries.set(key, { fingerprint: null, at: Date.now(), state: 'running', result: null });
      }
    },
    /** The held request begins to run. */
    release(key: string) {
      if (entries.get(key)?.fingerprint === null) entries.delete(key);
    },
  };
}
