import type { ShopCall } from '../shop.ts';

/** A stock write on record; `applied` and `answered` are set when they come true. */
export type WriteRecord = Extract<ShopCall, { kind: 'write' }>;
type Webhook = Extract<ShopCall, { kind: 'webhook' }>;
type Request = Extract<ShopCall, { kind: 'request' }>;

/** What the shop saw at its border. Requests are bounded; writes and webhooks are kept whole for the proof. */
export interface Records {
  write(call: Omit<WriteRecord, 'at' | 'kind'>): WriteRecord;
  webhook(call: Omit<Webhook, 'at' | 'kind'>): void;
  request(call: Omit<Request, 'at' | 'kind'>): void;
  /** Damage that a write did beside the number, told as a request whose route says it: `WIPED restock_date MUG-1`. */
  damage(text: string): void;
  /** A call with a time of its own. */
  keep(call: ShopCall): void;
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
      const record: WriteRecord = { at: now(), kind: 'write', ...call };
      kept.push(record);
      return record;
    },
    keep: (call) => void kept.push(call),
    webhook: (call) => void kept.push({ at: now(), kind: 'webhook', ...call }),
    request(call) {
      requests.push({ at: now(), kind: 'request', ...call });
      if (requests.length > requestsKept * 1.2) requests = requests.slice(-requestsKept);
    },
    damage: (text) => void kept.push({ at: now(), kind: 'request', route: text, status: 200 }),
    all: () => [...kept, ...requests.slice(-requestsKept)].sort((a, b) => a.at - b.at),
  };
}
