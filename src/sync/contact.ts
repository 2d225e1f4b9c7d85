import type { ChannelError } from '../channels/errors.ts';
import { closeAlert, openAlert } from './alerts.ts';
import type { Engine, LiveChannel } from './engine.ts';

/** The kind of alert that a parked channel has. */
const parkedAlert = 'channel_parked';

/** The channel refused our credentials: marks it parked and tells people. The next call that succeeds ends it. */
export async function park(engine: Engine, live: LiveChannel, error: ChannelError): Promise<void> {
  const now = engine.clock.now();
  const row = await engine.store.channels.channel(live.id);
  const parkedSince = row?.parkedSince ?? now;
  await engine.store.channels.mark(live.id, { parkedSince, parkedReason: error.message });
  const message = `${live.name} refuses our credentials: ${error.message}`;
  await openAlert(engine, { channelId: live.id, kind: parkedAlert, subject: live.name, message });
}

/** The channel answered: whatever parked it is over. */
export async function answered(engine: Engine, live: LiveChannel): Promise<void> {
  const now = engine.clock.now();
  await engine.store.channels.mark(live.id, { lastOkAt: now, parkedSince: null, parkedReason: null });
  await closeAlert(engine, parkedAlert, live.name);
}
