import type { StockReading } from '../../channels/channel.ts';
import { classify, type Verdict } from '../../stock/classify.ts';
import type { CounterFacts } from '../../stock/push.ts';
import { readableAt } from '../../stock/push.ts';
import type { CounterReading, CounterView } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { driftContext } from '../push-context.ts';
import { callReadStock } from '../reading.ts';
import { mostExpected, noteRise } from '../rises.ts';
import type { Passage } from './lane.ts';

/** A counter after its number was seen: the view to decide on, or why there is no number to decide on. */
export type SeenCounter =
  | { kind: 'seen'; view: CounterView; verdict: Verdict }
  | { kind: 'no number'; view: CounterView; error: string; exposed: boolean }
  /** The channel left it out of its answer. */
  | { kind: 'no answer'; view: CounterView };

/**
 * Reads the counters that a push must know first (no anchor, no answer, accepted, an uncertain base), books what was
 * seen, and answers them as they are now. A number that is too low without a cause is booked as such and never
 * becomes the anchor. Throws `ChannelError`.
 */
export async function readBack(
  engine: Engine,
  passage: Passage,
  views: CounterView[],
  signal: AbortSignal,
): Promise<SeenCounter[]> {
  const { live } = passage.lane;
  const readings = await callReadStock(live, views, signal);
  const judged = views.flatMap((view) => {
    const reading = readings.get(view.counterId);
    return reading === undefined ? [] : [{ view, reading, verdict: judge(passage, view, reading) }];
  });
  await engine.store.outbox.read(
    judged.map(({ view, reading, verdict }) => bookingOf(view.counterId, reading, verdict)),
    engine.clock.now(),
  );
  for (const { view, reading, verdict } of judged) {
    const { shown, askedAt } = reading;
    noteRise(engine, live, view, { shown, expected: mostExpected(view, verdict), askedAt });
  }
  const now = new Map(
    (await engine.store.outbox.view(views.map((view) => view.counterId))).map((view) => [
      view.counterId,
      view,
    ]),
  );
  const silent = views.filter((view) => !readings.has(view.counterId));
  return [
    ...judged.map(({ view, reading, verdict }) =>
      seenCounter(now.get(view.counterId) ?? view, { before: view, reading, verdict, live }),
    ),
    ...silent.map((view): SeenCounter => ({ kind: 'no answer', view })),
  ];
}

/** A verdict as the store books it. `dueAt` stays as it is: who judges decides about pushing apart. */
export function bookingOf(
  counterId: number,
  reading: Pick<StockReading, 'shown' | 'askedAt' | 'answeredAt'>,
  verdict: Verdict,
): CounterReading {
  return {
    counterId,
    shown: reading.shown,
    askedAt: reading.askedAt,
    answeredAt: reading.answeredAt,
    cause: verdict.cause,
    anchors: verdict.anchors,
    lowSince: verdict.low?.since ?? null,
    lowNumber: verdict.low?.number ?? null,
    doubt: verdict.doubt,
    dueAt: null,
  };
}

function judge({ lane, feeds, row }: Passage, view: CounterView, reading: StockReading): Verdict {
  const { live } = lane;
  return classify(view, reading, {
    ...driftContext(row, live),
    evidence: {
      pull: null,
      feeds,
      clouded: view.clouded,
      orderLagMs: live.capabilities.orderLagMs,
      raiseAfterMs: live.raiseAfterMs,
      askedByPerson: false,
    },
    learned: 0,
  });
}

function seenCounter(
  view: CounterView,
  sight: { before: CounterView; reading: StockReading; verdict: Verdict; live: LiveChannel },
): SeenCounter {
  const { before, reading, verdict, live } = sight;
  const { shown, askedAt, answeredAt } = reading;
  if (reading.state !== 'ok' || shown === null) {
    const error = reading.detail ?? `the channel shows no number (${reading.state})`;
    return { kind: 'no number', view, error, exposed: verdict.cause === 'exposed' };
  }
  if (verdict.low !== null) return { kind: 'seen', view, verdict };
  const open = view.unread.filter(
    (push) => push.sentAt > askedAt || readableAt(push, view.state, live.capabilities) > askedAt,
  );
  // Booked or not, the number seen is what this decision compares with; what was known before it is in it.
  const seen = { ...sinceRead(view, before.own), unread: open, lowSince: null, lowNumber: null };
  // Whatever was unread before the read was sent before it, also within the same millisecond.
  const from = Math.max(askedAt, ...before.unread.map((push) => push.sentAt + 1));
  const overtaken = view.anchor !== null && view.anchor.from > askedAt;
  return {
    kind: 'seen',
    verdict,
    view: overtaken ? view : { ...seen, anchor: { number: shown, from, until: Math.max(from, answeredAt) } },
  };
}

/**
 * The view without the changes that were known before a read was asked: the channel had made them by then, so the
 * number read contains them, however uncertain their clock is.
 */
function sinceRead(view: CounterView, known: CounterFacts['own']): CounterView {
  const rest = [...known];
  const own = view.own.filter((change) => {
    const at = rest.findIndex(
      (other) => other.delta === change.delta && other.from === change.from && other.to === change.to,
    );
    if (at < 0) return true;
    rest.splice(at, 1);
    return false;
  });
  return { ...view, own };
}
