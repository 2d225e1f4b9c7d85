import type { ChannelError } from '../channels/errors.ts';
import { spanText } from '../clock.ts';
import { reviewAlerts, tell } from './alerts.ts';
import type { Engine, LiveChannel } from './engine.ts';

/** The channel refused our credentials: marks it parked and tells people. The next call that succeeds ends it. */
export async function park(engine: Engine, live: LiveChannel, error: ChannelError): Promise<void> {
  const row = await engine.store.channels.channel(live.id);
  const parkedSince = row?.parkedSince ?? engine.clock.now();
  await engine.store.channels.mark(live.id, { parkedSince, parkedReason: error.message });
  await reviewAlerts(engine);
}

/** A call failed: parks the channel whose credentials it refused, else notes that it gave no answer. */
export async function noteFailure(engine: Engine, live: LiveChannel, error: ChannelError): Promise<void> {
  return error.kind === 'auth' ? park(engine, live, error) : unanswered(engine, live, error);
}

/** The end of a failure that was over before anybody would have looked is not told. */
const tellingMs = 10_000;

/** The channel gave a good answer: whatever parked it or let it fail is over. */
export async function answered(engine: Engine, live: LiveChannel): Promise<void> {
  const row = await engine.store.channels.channel(live.id);
  await engine.store.channels.mark(live.id, {
    lastOkAt: engine.clock.now(),
    failingSince: null,
    lastError: null,
    parkedSince: null,
    parkedReason: null,
  });
  const failedMs = row?.failingSince == null ? 0 : engine.clock.now() - row.failingSince;
  if (failedMs >= tellingMs)
    engine.log.info({ channel: live.name, after: spanText(failedMs) }, 'answers again');
  if (row?.parkedSince != null || row?.failingSince != null) await reviewAlerts(engine);
}

/** A call brought no good answer. One that is too busy, or refuses our credentials, is told otherwise; a call that we called off tells nothing. */
export async function unanswered(
  engine: Engine,
  live: LiveChannel,
  error: { kind: ChannelError['kind']; message: string; calledOff?: boolean },
): Promise<void> {
  if (error.kind === 'throttled' || error.kind === 'auth' || error.calledOff === true) return;
  // Work goes on whether or not the store takes it at once.
  await tell(engine, `failing ${live.name}`, async () => {
    const row = await engine.store.channels.channel(live.id);
    if (row === null || (row.failingSince !== null && row.lastError === error.message)) return;
    const failingSince = row.failingSince ?? engine.clock.now();
    await engine.store.channels.mark(live.id, { failingSince, lastError: error.message });
    if (row.failingSince === null)
      engine.log.warn(
        { channel: live.name, error: error.message },
        'gives no good answer; asked again and again',
      );
  });
}
