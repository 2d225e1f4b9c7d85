import type { ShopCall } from '../shop.ts';

/** A stock write on record; `applied` and `answered` are set when they come true. */
export type WriteRecord = Extract<ShopCall, { kind: 'write' }>;
type Webhook = Extract<ShopCall, { kind: 'webhook' }>;
type Request = Extract<ShopCall, { kind: 'request' }>;

export type Records = ReturnType<typeof createRecords>;

const requestsKept = 50_000;

/**
 * What the shop saw at its border, on this clock, ms since 1970. Requests are bounded; writes and webhooks are kept
 * whole for the proof.
 */
export function createRecords(now: () => number) {
  const kept: ShopCall[] = [];
  let requests: Request[] = [];
  return {
    write(call: Omit<WriteRecord, 'at' | 'kind'>): WriteRecord {
      const record: WriteRecord = { at: now(), kind: 'write', ...call };
      kept.push(record);
      return record;
    },
    /** A call with a time of its own. */
    keep: (call: ShopCall) => void kept.push(call),
    webhook: (call: Omit<Webhook, 'at' | 'kind'>) => void kept.push({ at: now(), kind: 'webhook', ...call }),
    request(call: Omit<Request, 'at' | 'kind'>): void {
      requests.push({ at: now(), kind: 'request', ...call });
      if (requests.length > requestsKept * 1.2) requests = requests.slice(-requestsKept);
    },
    /** Damage that a write did beside the number, told as a request whose route says it: `WIPED restock_date MUG-1`. */
    damage: (text: string) => void kept.push({ at: now(), kind: 'request', route: text, status: 200 }),
    /** Oldest first. */
    all: (): ShopCall[] => [...kept, ...requests.slice(-requestsKept)].sort((a, b) => a.at - b.at),
  };
}
