import { ChannelError } from '../channels/errors.ts';
import { messageOf } from '../errors.ts';
import { closeAlert, openAlert } from './alerts.ts';
import { answered, park } from './contact.ts';
import type { Engine, LiveChannel } from './engine.ts';
import { createLoop, type Loop } from './loop.ts';

/** `bound`: the account is ours. `held`: it is not, every write is held. `unreachable`: ask again. */
export type Identity = 'bound' | 'held' | 'unreachable';

const againMs = 15_000;
const boundMs = 3_600_000;

/**
 * Binds a channel to the platform's own account at first contact. A second channel on one account is refused, and an
 * account that changed under a known name stops that channel, until a person renames or removes one of them.
 */
export async function identify(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Identity> {
  try {
    const account = await live.channel.identity(signal);
    const bound = await engine.store.channels.bind(live.id, account.accountId);
    await answered(engine, live);
    if (bound.kind === 'bound') {
      await hold(engine, live, null);
      return 'bound';
    }
    const reason =
      bound.kind === 'taken'
        ? `its account ${account.accountId} is already the channel "${bound.by}"; if it was renamed in the file, run: invsync channels rename ${bound.by} ${live.name}`
        : `its account changed from ${bound.by} to ${account.accountId}; give the new account a channel name of its own`;
    await hold(engine, live, reason);
    return 'held';
  } catch (error) {
    if (error instanceof ChannelError && error.kind === 'auth') await park(engine, live, error);
    engine.log.warn({ channel: live.name, error: messageOf(error) }, 'account not identified');
    return 'unreachable';
  }
}

const prefix = 'account: ';

async function hold(engine: Engine, live: LiveChannel, reason: string | null): Promise<void> {
  const row = (await engine.store.channels.list()).find((each) => each.id === live.id);
  if (reason !== null) {
    await engine.store.channels.mark(live.id, { heldReason: `${prefix}${reason}` });
    const message = `${live.name}: ${reason}`;
    await openAlert(engine, { channelId: live.id, kind: 'account', subject: live.name, message });
    return;
  }
  if (row?.heldReason?.startsWith(prefix)) await engine.store.channels.mark(live.id, { heldReason: null });
  await closeAlert(engine, 'account', live.name);
}

/** Identifies every channel at start, again soon while one is unreachable, and hourly. */
export function createIdentification(engine: Engine): Loop {
  const known = new Map<number, Identity>();
  return createLoop(engine, 'identify', async (signal) => {
    await Promise.all(
      [...engine.channels.values()].map(async (live) => {
        known.set(live.id, await identify(engine, live, signal));
      }),
    );
    return [...known.values()].includes('unreachable') ? againMs : boundMs;
  });
}
