import type { ShopCall } from '../shop.ts';

type Write = Extract<ShopCall, { kind: 'write' }>;
type Webhook = Extract<ShopCall, { kind: 'webhook' }>;
type Request = Extract<ShopCall, { kind: 'request' }>;

/** What the shop saw at its border. Requests are bounded; writes and webhooks are kept whole for the proof. */
export interface Records {
  /** Returns the record, so that `answered` can be set when the answer has left. */
  write(call: Omit<Write, 'at' | 'kind'>): Write;
  webhook(call: Omit<Webhook, 'at' | 'kind'>): void;
  request(call: Omit<Request, 'at' | 'kind'>): void;
  /** Oldest first. */
  all(): ShopCall[];
}

const requestsKept = 50_000;

export function createRecords(): Records {
  const writes: Write[] = [];
  const webhooks: Webhook[] = [];
  let requests: Request[] = [];
  return {
    write(call) {
      const record: Write = { at: Date.now(), kind: 'write', ...call };
      writes.push(record);
      return record;
    },
    webhook: (call) => void webhooks.push({ at: Date.now(), kind: 'webhook', ...call }),
    request(call) {
      requests.push({ at: Date.now(), kind: 'request', ...call });
      if (requests.length > requestsKept * 1.2) requests = requests.slice(-requestsKept);
    },
    all: () => [...writes, ...webhooks, ...requests.slice(-requestsKept)].sort((a, b) => a.at - b.at),
  };
}
