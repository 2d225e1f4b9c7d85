/** One counter's number as it is shown and as it would become. */
export interface Move {
  counterId: number;
  /** Null: not known. */
  before: number | null;
  after: number;
  /** Recorded sales account for it. */
  explained: boolean;
}

/** The shares (0..1) of a channel's listings that one run or command may move without explanation. */
export interface Shares {
  maxChange: number;
  maxZero: number;
}

/** `held`: the counters whose move may not leave. `reason` is null when no brake holds. */
export interface Braking {
  reason: string | null;
  held: Set<number>;
}

/** A brake never closes over fewer unexplained moves than this: a small shop is not stopped by a few listings. */
export const fewestBraked = 10;

/** What a channel's brake holds from before, and what else is in doubt there. */
export interface KnownDoubt {
  /** Counters that are held, with the target that each is held at. */
  held: ReadonlyMap<number, number>;
  /** Counters that are no part of these moves and whose number no recorded sale explains. */
  elsewhere: number;
}

const nothingKnown: KnownDoubt = { held: new Map(), elsewhere: 0 };

/**
 * Judges what one reconcile run, one command or one configuration change would do to a channel. Only moves that
 * recorded sales do not explain are counted; beyond a share every raise and every unexplained zero is held, while
 * lowering goes on. What was held before stays held, however few there are left.
 */
export function brake(
  moves: readonly Move[],
  listings: number,
  shares: Shares,
  known: KnownDoubt = nothingKnown,
): Braking {
  const counted = moves.filter((move) => !move.explained && move.before !== move.after);
  const zeros = counted.filter((move) => zeroes(move, known));
  const reason =
    excess('change', counted.length + known.elsewhere, listings, shares.maxChange) ??
    excess('go to zero', zeros.length, listings, shares.maxZero);
  const held = new Set<number>();
  for (const move of moves) {
    const raises = move.before === null || move.after > move.before;
    if ((raises || zeroes(move, known)) && (reason !== null || known.held.has(move.counterId)))
      held.add(move.counterId);
  }
  if (reason !== null || held.size === 0) return { reason, held };
  return { reason: `${held.size} listings are held until a person lets them go`, held };
}

/** A number that was to be raised and goes to zero instead does so because of what was recorded since. */
function zeroes(move: Move, known: KnownDoubt): boolean {
  if (move.after !== 0 || move.explained || move.before === 0) return false;
  return (known.held.get(move.counterId) ?? 0) === 0;
}

/**
 * Is a catalogue too short to be believed? `readable` of the `mapped` listings had a number; below 1 - maxChange of
 * them every write is held. Answers the reason, or null.
 */
export function shortCatalogue(mapped: number, readable: number, shares: Shares): string | null {
  const missing = mapped - readable;
  if (mapped === 0) return null;
  if (readable === 0 && mapped > 1) return `none of the ${mapped} mapped listings can be read`;
  if (missing < fewestBraked || readable >= mapped * (1 - shares.maxChange)) return null;
  return `only ${readable} of the ${mapped} mapped listings can be read`;
}

function excess(verb: string, count: number, listings: number, share: number): string | null {
  if (count < fewestBraked || count <= listings * share) return null;
  return `${count} of ${listings} listings would ${verb} without a recorded sale (limit ${Math.round(share * 100)} %)`;
}
