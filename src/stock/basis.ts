/**
 * One look at a counter between two writes, for finding out what its number means. Units are counter units, all of the
 * time between `written` and `shown`; no other write, hand edit or return may lie in between.
 */
export interface BasisSight {
  /** The number that was there, or was written and had settled, at the beginning. */
  written: number;
  /** What the channel shows at the end. */
  shown: number;
  /** Units that the channel's own orders took meanwhile. */
  sold: number;
  /** Units that its own cancelled orders let go of meanwhile, of whatever age. */
  released: number;
  /** Units of its own orders, of whatever age, that left the shelf meanwhile. */
  shipped: number;
}

/** `mute`: both meanings lead to this number, or a cancellation blurs them. `neither`: something else moved the number. */
export type SightVerdict = 'net' | 'gross' | 'mute' | 'neither';

/** What all sights together say; `unclear` comes with what to do about it. */
export type BasisVerdict =
  | { kind: 'net' | 'gross'; sights: number }
  | { kind: 'unclear'; reason: string; hint: string };

/**
 * A net number falls with a sale and stands still when it ships; a gross one stands still and falls with the shipment.
 * A channel may or may not put cancelled units back by itself, so that released units widen what a net number may be.
 */
export function readSight({ written, shown, sold, released, shipped }: BasisSight): SightVerdict {
  const net = { low: written - sold, high: written - sold + released };
  const gross = written - shipped;
  const fitsNet = shown >= Math.max(0, net.low) && shown <= Math.max(0, net.high);
  const fitsGross = shown === Math.max(0, gross);
  if (fitsNet && fitsGross) return 'mute';
  if (fitsNet) return 'net';
  return fitsGross ? 'gross' : 'neither';
}

/** The basis on which all telling sights agree. One sight that contradicts them, or fits nothing, makes it unclear. */
export function basisOf(sights: readonly BasisSight[]): BasisVerdict {
  const verdicts = sights.map(readSight);
  const count = (wanted: SightVerdict): number => verdicts.filter((verdict) => verdict === wanted).length;
  const [net, gross, neither] = [count('net'), count('gross'), count('neither')];
  if (neither > 0) {
    return {
      kind: 'unclear',
      reason: `${neither} of ${sights.length} numbers fit neither meaning`,
      hint: 'somebody else writes this listing, or the number had not settled: look again later, with another listing',
    };
  }
  if (net > 0 && gross > 0) {
    return {
      kind: 'unclear',
      reason: `${net} numbers say net and ${gross} say gross`,
      hint: 'take one listing that nobody else writes, and look again after one sale',
    };
  }
  if (net + gross === 0) {
    return {
      kind: 'unclear',
      reason: 'nothing was sold or shipped that would tell the two apart',
      hint: 'wait for one sale of a listing that is not written meanwhile, or place a test order',
    };
  }
  return net > 0 ? { kind: 'net', sights: net } : { kind: 'gross', sights: gross };
}
