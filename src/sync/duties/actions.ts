import type { OversoldOrder } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { actionOutcome } from '../../channels/kit/outcomes.ts';
import type { ActionEnd, ActionRow } from '../../store/store.ts';
import { openAlert } from '../alerts.ts';
import { askedWaitMs } from '../backoff.ts';
import { park } from '../contact.ts';
import type { Duty, Engine, LiveChannel } from '../engine.ts';
import { addLooks, bookPage, emptyPage } from '../inbound/page.ts';
import { createGroup, createLoop } from '../loop.ts';
import { jitterMs } from '../outbound/outcome.ts';
import { writeGate } from '../push-context.ts';

const restMs = 5_000;
const batch = 20;
/** Refused this often by `retry`, the order falls back to a person. */
const mostAttempts = 20;

/** The duty of order actions. */
export interface Actions extends Duty {
  /** Acts on what is due now until nothing is. For tests and one-off runs. */
  runUntilIdle(): Promise<void>;
}

/** Holds and cancels oversold orders at their channels, as the channel's policy says; one flight per order. */
export function createActions(engine: Engine): Actions {
  const lives = [...engine.channels.values()];
  const loops = lives.map((live) =>
    createLoop(engine, `actions ${live.name}`, async (signal) =>
      (await actOn(engine, live, signal)) > 0 ? 0 : restMs,
    ),
  );
  return {
    ...createGroup('actions', loops),
    async runUntilIdle() {
      const { signal } = new AbortController();
      await Promise.all(
        lives.map(async (live) => {
          while ((await actOn(engine, live, signal)) > 0);
        }),
      );
    },
  };
}

async function actOn(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<number> {
  const row = await engine.store.channels.channel(live.id);
  // What leaves for a channel leaves only where pushes may: a shadow never touches an order.
  if (row === null || row.mode !== 'live' || writeGate(row) !== null) return 0;
  const due = await engine.store.outbox.actionsDue(live.id, batch, engine.clock.now());
  for (const action of due) {
    if (signal.aborted) return 0;
    await bookEnd(engine, live, action, await attempt(engine, live, action, signal));
  }
  return due.length;
}

/** One try: reads the order's state, takes it in, and acts only on what was read and when units are still missing. */
async function attempt(
  engine: Engine,
  live: LiveChannel,
  action: ActionRow,
  signal: AbortSignal,
): Promise<ActionEnd> {
  try {
    const booking = emptyPage();
    await addLooks(engine, live, { booking, ids: [action.orderId] }, signal);
    const [unclear] = booking.lookAgain;
    if (unclear !== undefined)
      return unclear.afterMs > 0
        ? { kind: 'retry', error: 'its state is not settled yet', afterMs: unclear.afterMs }
        : { kind: 'retry', error: 'its state cannot be read' };
    const applied = await bookPage(engine, live, { booking, source: 'pull' }, signal);
    if (booking.missing.length > 0) return { kind: 'done', detail: 'the channel has no such order any more' };
    if (!applied.some((order) => order.orderId === action.orderId))
      return { kind: 'retry', error: 'what was read of it could not be booked' };
    const lines = await shortLines(engine, live, action);
    if (lines.length === 0) return { kind: 'needless', detail: 'nothing is missing any more' };
    const order: OversoldOrder = { orderId: action.orderId, key: action.key, lines };
    const act = action.kind === 'hold' ? live.channel.hold : live.channel.cancel;
    if (act === undefined) return { kind: 'refused', error: `${live.type} has no ${action.kind}` };
    return await act.call(live.channel, order, signal);
  } catch (error) {
    return actionOutcome(error);
  }
}

async function shortLines(
  engine: Engine,
  live: LiveChannel,
  action: ActionRow,
): Promise<OversoldOrder['lines']> {
  // Another order may be called by this one's id.
  const filter = { channel: live.name, orderId: action.orderId, limit: 1 };
  const [order] = await engine.store.orders.list(filter);
  if (order?.orderId !== action.orderId) return action.lines;
  return order.lines
    .filter((line) => line.shortfall > 0)
    .map(({ lineKey, channelSku, shortfall }) => ({ lineKey, channelSku, shortfall }));
}

async function bookEnd(
  engine: Engine,
  live: LiveChannel,
  action: ActionRow,
  outcome: ActionEnd,
): Promise<void> {
  const now = engine.clock.now();
  const attempts = action.attempts + 1;
  const given: ActionEnd =
    outcome.kind === 'retry' && attempts >= mostAttempts
      ? { kind: 'refused', error: outcome.error }
      : outcome;
  const waits = given.kind === 'retry' || given.kind === 'auth';
  const waitMs = given.kind === 'retry' ? askedWaitMs(given.afterMs, jitterMs(engine, attempts)) : 60_000;
  await engine.store.outbox.settleAction(action.id, given, waits ? now + waitMs : null, now);
  if (given.kind === 'auth') await park(engine, live, new ChannelError('auth', given.error));
  if (given.kind === 'done' || given.kind === 'needless') {
    // The confirmed cancel may have raised the channel's own number: its order is read, and its counter pushed.
    engine.wakes.pull(live.id);
    engine.wakes.push(null);
  }
  if (given.kind !== 'refused') return;
  const message = `${live.name} will not ${action.kind} order ${action.orderId}: ${given.error}; it needs a person`;
  const subject = `${live.name} ${action.orderId}`;
  await openAlert(engine, { channelId: live.id, kind: 'action_refused', subject, message });
  engine.wakes.push(null);
}
