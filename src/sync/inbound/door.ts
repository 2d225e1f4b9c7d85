import type { Engine } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';

/**
 * What the doors of the channels heard: good deliveries, and calls that were refused. A refusal never touches the store
 * by itself; the counts are put on record every few seconds.
 */
export interface Door extends Loop {
  /** An authentic delivery or handshake came. */
  heard(channelId: number, at: number): void;
  /** A call was turned away. */
  refused(channelId: number, reason: string, at: number): void;
  /** Puts on record what came since the last time. */
  flush(): Promise<void>;
}

interface Facts {
  heardAt: number | null;
  /** Since the last good one. */
  refused: number;
  refusedAt: number | null;
  reason: string;
}

const restMs = 3_000;
const longestReason = 200;

/** Counts of all channels, none heard yet. */
export function createDoor(engine: Engine): Door {
  let fresh = new Map<number, Facts>();
  const factsOf = (channelId: number): Facts => {
    const known = fresh.get(channelId);
    if (known !== undefined) return known;
    const made: Facts = { heardAt: null, refused: 0, refusedAt: null, reason: '' };
    fresh.set(channelId, made);
    return made;
  };
  const flush = async (): Promise<void> => {
    if (fresh.size === 0) return;
    const taken = fresh;
    fresh = new Map();
    const rows = new Map((await engine.store.channels.list()).map((row) => [row.id, row]));
    for (const [channelId, facts] of taken) {
      const row = rows.get(channelId);
      if (row === undefined) continue;
      const { heardAt, refusedAt } = facts;
      const before = heardAt === null ? row.webhookRefused : 0;
      await engine.store.channels.mark(channelId, {
        webhookRefused: before + facts.refused,
        ...(heardAt === null ? {} : { webhookHeardAt: heardAt }),
        ...(refusedAt === null ? {} : { webhookRefusedAt: refusedAt, webhookRefusal: facts.reason }),
      });
    }
  };
  const loop = createLoop(engine, 'door', async () => {
    await flush();
    return restMs;
  });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await flush();
    },
    heard(channelId, at) {
      const facts = factsOf(channelId);
      facts.heardAt = at;
      facts.refused = 0;
    },
    refused(channelId, reason, at) {
      const facts = factsOf(channelId);
      facts.refused += 1;
      facts.refusedAt = at;
      facts.reason = reason.slice(0, longestReason);
    },
    flush,
  };
}
