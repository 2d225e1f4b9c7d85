/** A counter's number that we know, with the span of time (our clock) in which it was true. */
export interface Anchor {
  number: number;
  from: number;
  until: number;
}

/** A change that a channel made to its own counter (a sale lowers it), with the span in which it happened. */
export interface OwnChange {
  /** Units; negative for a sale. */
  delta: number;
  from: number;
  to: number;
}

/** A push that may or may not show yet: in flight, unknown, or accepted and unread. */
export interface UnreadPush {
  quantity: number;
  sentAt: number;
  /** Until when it may still act at the channel. */
  deadline: number;
}

export interface Range {
  low: number;
  high: number;
}

/** Facts of the channel that the range depends on. */
export interface RangeFacts {
  clockMarginMs: number;
  restoresOnCancel: boolean;
  basis: 'net' | 'gross';
}

/**
 * What the channel should show, as a range: the anchor plus own changes surely after it, widened by those that
 * cannot be ordered against it and by rises that the channel may not have made; unread pushes add their numbers.
 * `readAt` bounds the question: changes that began after it do not count yet.
 */
export function expectedRange(
  anchor: Anchor,
  changes: readonly OwnChange[],
  unread: readonly UnreadPush[],
  facts: RangeFacts,
  readAt: Range = { low: Number.MAX_SAFE_INTEGER, high: Number.MAX_SAFE_INTEGER },
): Range {
  const sent = unread.map(({ quantity, sentAt, deadline }) => {
    return { number: quantity, from: sentAt, until: deadline };
  });
  const ranges = [anchor, ...sent].map((start) => movedBy(start, changes, { ...facts, readAt }));
  return {
    low: Math.min(...ranges.map(({ low }) => low)),
    high: Math.max(...ranges.map(({ high }) => high)),
  };
}

function movedBy(start: Anchor, changes: readonly OwnChange[], facts: RangeFacts & { readAt: Range }): Range {
  const range = { low: start.number, high: start.number };
  const { readAt } = facts;
  if (facts.basis === 'gross') return range;
  for (const change of changes) {
    const surelyBefore = change.to < start.from - facts.clockMarginMs;
    if (surelyBefore || change.from > readAt.high + facts.clockMarginMs) continue;
    const surelyAfter =
      change.from > start.until + facts.clockMarginMs && change.to < readAt.low - facts.clockMarginMs;
    const certain = surelyAfter && (change.delta < 0 || facts.restoresOnCancel);
    if (certain) {
      range.low += change.delta;
      range.high += change.delta;
    } else if (change.delta < 0) range.low += change.delta;
    else range.high += change.delta;
  }
  return range;
}

/** The number of a range that holds only one. */
export function single(range: Range): number | null {
  return range.low === range.high ? range.low : null;
}

/** Changes that still matter after a new anchor: those not surely before it. */
export function changesAfter(
  anchor: Anchor,
  changes: readonly OwnChange[],
  clockMarginMs: number,
): OwnChange[] {
  return changes.filter((change) => change.to >= anchor.from - clockMarginMs);
}
