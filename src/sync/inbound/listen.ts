import type { Delivery } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { messageOf } from '../../errors.ts';
import { admit } from '../account/account.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import { doublingMs } from '../backoff.ts';
import type { Duty, Engine, LiveChannel } from '../engine.ts';
import { createGroup, createLoop } from '../loop.ts';
import { createDoor, type Door } from './door.ts';
import { rowOf, tellReused } from './receive.ts';

/** After this long without a failure, the waits between retries start short again. */
const calmMs = 60_000;
const unboundRestMs = 5_000;
const queueAlert = 'queue_refused';

/** Pulls the queues of channels that have one. A message is removed at its source only after it is on disk here. */
export function createListening(engine: Engine, door: Pick<Door, 'heard'> = createDoor(engine)): Duty {
  const loops = [...engine.channels.values()]
    .filter((live) => live.channel.listen !== undefined)
    .map((live) => listening(engine, live, door));
  return createGroup('listen', loops);
}

function listening(engine: Engine, live: LiveChannel, door: Pick<Door, 'heard'>): Duty {
  let failures = 0;
  /** Whether an alert may stand, also one of an earlier run. */
  let isDoubted = true;
  const takeIn = async (deliveries: Delivery[]): Promise<void> => {
    if (deliveries.length > 0) {
      await keep(engine, live, deliveries);
      door.heard(live.id, engine.clock.now());
    }
    if (!isDoubted) return;
    isDoubted = false;
    await closeAlert(engine, queueAlert, live.name);
  };
  return createLoop(engine, `listen ${live.name}`, async (signal) => {
    const beganAt = engine.clock.now();
    try {
      // What is taken from a queue is gone for the channel that has the account: it waits there as safely as here.
      const standing = await admit(engine, live, signal);
      if (standing.kind !== 'bound') return unboundRestMs;
      await live.channel.listen?.(takeIn, signal);
      failures = 0;
      return 1_000;
    } catch (error) {
      if (signal.aborted) return 0;
      failures = engine.clock.now() - beganAt > calmMs ? 1 : failures + 1;
      if (isForPeople(error)) {
        isDoubted = true;
        await tell(engine, live, error);
      }
      engine.log.warn({ channel: live.name, error: messageOf(error) }, 'the queue could not be read');
      const restMs = doublingMs(failures, 1_000, 300_000);
      return error instanceof ChannelError && error.kind === 'throttled'
        ? Math.max(restMs, error.afterMs ?? 0)
        : restMs;
    }
  });
}

/** A queue that refuses us will not mend itself. It may be another company's than the channel, so the channel goes on. */
function isForPeople(error: unknown): error is ChannelError {
  return error instanceof ChannelError && (error.kind === 'auth' || error.kind === 'rejected');
}

async function tell(engine: Engine, live: LiveChannel, error: ChannelError): Promise<void> {
  const hint = error.hint === '' ? '' : ` (${error.hint})`;
  const message = `${live.name}: the queue refuses us, sales are only found by polling: ${error.message}${hint}; see: invsync check`;
  await openAlert(engine, { channelId: live.id, kind: queueAlert, subject: live.name, message });
}

async function keep(engine: Engine, live: LiveChannel, deliveries: Delivery[]): Promise<void> {
  const receivedAt = engine.clock.now();
  const rows = deliveries.map((delivery) => rowOf(live, delivery, receivedAt));
  const taken = await engine.store.inbox.takeIn(rows);
  for (const [at, each] of taken.entries()) {
    if (each.kind === 'accepted' && each.reused) tellReused(engine, live, rows[at]?.key ?? '');
  }
  engine.wakes.inbox();
}
