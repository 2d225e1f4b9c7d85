import type { ShopCall } from '../shop.ts';

type Write = Extract<ShopCall, { kind: 'write' }>;
type Webhook = Extract<ShopCall, { kind: 'webhook' }>;
type Request = Extract<ShopCall, { kind: 'request' }>;

/** A stock write on record; `answered` is set when the answer has left. */
export type WriteRecord = Write;

/** What the shop saw at its border. Requests are bounded; writes and webhooks are kept whole for the proof. */
export interface Records {
  write(call: Omit<Write, 'at' | 'kind'>): Write;
  webhook(call: Omit<Webhook, 'at' | 'kind'>): void;
  request(call: Omit<Request, 'at' | 'kind'>): void;
  /** Oldest first. */
  all(): ShopCall[];
}

const requestsKept = 50_000;

/** Opens a log on this clock, ms since 1970. */
export function createRecords(now: () => number): Records {
  const kept: ShopCall[] = [];
  let requests: Request[] = [];
  return {
    write(call) {
      const record: Write = { at: now(), kind: 'write', ...call };
      kept.push(record);
      return record;
    },
    webhook: (call) => void kept.push({ at: now(), kind: 'webhook', ...call }),
    request(call) {
      requests.push({ at: now(), kind: 'request', ...call });
      if (requests.length > requestsKept * 1.2) requests = requests.slice(-requestsKept);
    },
    all: () => [...kept, ...requests.slice(-requestsKept)].sort((a, b) => a.at - b.at),
  };
}
