import type { Capabilities } from '../../src/channels/channel.ts';
import type { MemoryOptions } from '../../src/channels/memory/state.ts';
import type { Random } from '../../src/sandbox/random.ts';
import type { ChannelSetup } from '../../src/store/store.ts';

/** A part of what a listing physically is. */
export interface Piece {
  sku: string;
  units: number;
}

/** One listing as a channel puts it up. `mapped`: its SKU text there equals ours, so that the import maps it. */
export interface ListingPlan {
  listingId: string;
  counterKey: string;
  pieces: Piece[];
  mapped: boolean;
  unwritable: string | null;
}

/** One channel of a seed's world. */
export interface ChannelPlan {
  name: string;
  platform: Omit<MemoryOptions, 'clock'> & { capabilities: Partial<Capabilities> };
  oversell: ChannelSetup['oversell'];
  buffer: number | null;
  webhooks: boolean;
  listings: ListingPlan[];
  longestMs: number;
}

/** What a seed's world is made of. */
export interface Scenario {
  skus: { code: string; start: number; counted: boolean }[];
  channels: ChannelPlan[];
  steps: number;
  /** Bodies that nobody can read are among the deliveries: their channel's raises wait for a person. */
  unreadable: boolean;
}

const codes = ['A', 'B', 'C', 'D', 'E'] as const;

/** Draws a world: few SKUs and few pieces, so that the last one is always close. */
export function drawScenario(random: Random): Scenario {
  const skus = codes.slice(0, random.int(2, codes.length)).map((code) => ({
    code,
    start: random.chance(0.3) ? random.int(0, 2) : random.int(3, 15),
    counted: !random.chance(0.1),
  }));
  const names = ['one', 'two', 'three'].slice(0, random.int(2, 3));
  return {
    skus,
    channels: names.map((name) => drawChannel(random, name, skus)),
    steps: random.int(60, 160),
    unreadable: random.chance(0.1),
  };
}

function drawChannel(random: Random, name: string, skus: Scenario['skus']): ChannelPlan {
  const listLagMs = random.pick([0, 0, 0, 20_000, 120_000]);
  const aheadMs = random.pick([0, 0, 0, 700, -900, 2_000]);
  const versionStepMs = random.pick([0, 0, 1_000]);
  const webhooks = !random.chance(0.2);
  const settleMs = random.pick([0, 0, 0, 3_000, 30_000]);
  return {
    name,
    webhooks,
    oversell: random.pick(['alert', 'alert', 'alert', 'hold', 'cancel']),
    buffer: random.pick([null, null, null, 0, 1]),
    longestMs: random.pick([0, 200, 1_500]),
    platform: {
      listLagMs,
      aheadMs,
      versionStepMs,
      pageSize: random.pick([2, 5, 100]),
      answers: random.chance(0.2) ? 'accepted' : 'applied',
      capabilities: {
        compareAndSet: random.pick(['native', 'native', 'none', 'read-check']),
        basis: random.chance(0.15) ? 'gross' : 'net',
        restoresOnCancel: !random.chance(0.2),
        idempotencyKeys: random.chance(0.5),
        settleMs,
        indexLagMs: listLagMs,
        orderLagMs: random.chance(0.1) ? null : listLagMs + 1_000,
        clockMarginMs: Math.abs(aheadMs) + versionStepMs,
        batchSize: random.pick([1, 3, 50]),
        writeConcurrency: random.int(1, 3),
        webhooks,
      },
    },
    listings: drawListings(random, skus),
  };
}

function drawListings(random: Random, skus: Scenario['skus']): ListingPlan[] {
  const listings: ListingPlan[] = skus.map(({ code }) => ({
    listingId: `L-${code}`,
    counterKey: `L-${code}`,
    pieces: [{ sku: code, units: 1 }],
    mapped: !random.chance(0.08),
    unwritable: random.chance(0.02) ? 'not tracked here' : null,
  }));
  if (random.chance(0.4)) {
    listings.push({
      listingId: 'L-KIT',
      counterKey: 'L-KIT',
      pieces: [
        { sku: 'A', units: 1 },
        { sku: 'B', units: 2 },
      ],
      mapped: false,
      unwritable: null,
    });
  }
  if (random.chance(0.2)) {
    listings.push({
      listingId: 'L-A-again',
      counterKey: random.chance(0.5) ? 'L-A' : 'L-A-again',
      pieces: [{ sku: 'A', units: 1 }],
      mapped: false,
      unwritable: null,
    });
  }
  return listings;
}
