import type { WebhookState, Webhooks } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { AppError, EXIT, messageOf } from '../../errors.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import { noteFailure } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { isRefused } from '../refusal.ts';
import { assertOurs } from './account.ts';

/** Subscriptions of one channel, for people. */
export interface ChannelWebhooks {
  channel: string;
  webhooks: WebhookState[];
  changes: string[];
  error: string | null;
}

/**
 * Where the platform shall deliver: `<public_url>/hooks/<channel>`; empty where it delivers to no address. Throws AppError
 * when one is needed and none is configured.
 */
function hookUrl(engine: Engine, live: LiveChannel, { needsUrl }: Webhooks): string {
  const { publicUrl } = engine.settings;
  if (publicUrl === null) {
    if (needsUrl === false) return '';
    throw new AppError(
      'no_public_url',
      'server.public_url is not set, so no channel can reach this invsync',
      {
        hint: 'set server.public_url to the https address of this machine, or set webhooks: false on the channel',
        exitCode: EXIT.usage,
      },
    );
  }
  return `${publicUrl}/hooks/${live.name}`;
}

/** Makes the channel's subscriptions exist; from now on `serve` looks after them. */
export async function registerWebhooks(
  engine: Engine,
  live: LiveChannel,
  signal: AbortSignal,
): Promise<ChannelWebhooks> {
  const { webhooks } = live.channel;
  if (webhooks === undefined || !live.webhooks) return told(live);
  await assertOurs(engine, live, signal);
  const report = await webhooks.ensure(hookUrl(engine, live, webhooks), signal);
  await engine.store.channels.mark(live.id, { webhooksRegistered: true });
  return told(live, report);
}

export async function listWebhooks(
  _engine: Engine,
  live: LiveChannel,
  signal: AbortSignal,
): Promise<ChannelWebhooks> {
  const { webhooks } = live.channel;
  if (webhooks === undefined) return told(live);
  return told(live, { webhooks: await webhooks.list(signal) });
}

export async function removeWebhooks(
  engine: Engine,
  live: LiveChannel,
  signal: AbortSignal,
): Promise<ChannelWebhooks> {
  const { webhooks } = live.channel;
  if (webhooks === undefined) return told(live);
  const changes = await webhooks.remove(signal);
  await engine.store.channels.mark(live.id, { webhooksRegistered: false });
  return told(live, { webhooks: await webhooks.list(signal), changes });
}

/** A channel that is only polled has nothing to register. */
function told(live: LiveChannel, known: Partial<ChannelWebhooks> = {}): ChannelWebhooks {
  return { channel: live.name, webhooks: [], changes: [], error: null, ...known };
}

const hourMs = 3_600_000;
const againMs = 60_000;

/** At start and hourly: platforms drop or disable subscriptions after failures; they are mended, and people are told. */
export function createWebhookUpkeep(engine: Engine): Loop {
  return createLoop(engine, 'webhooks', async (signal) => {
    let failed = false;
    for (const row of await engine.store.channels.list()) {
      const live = engine.channels.get(row.id);
      if (live === undefined || !row.webhooksRegistered || !live.webhooks || isRefused(row)) continue;
      failed = !(await mend(engine, live, signal)) || failed;
    }
    return failed ? againMs : hourMs;
  });
}

async function mend(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<boolean> {
  const now = engine.clock.now();
  try {
    const { changes } = await registerWebhooks(engine, live, signal);
    if (changes.length > 0) {
      // What the platform did not deliver meanwhile is found by a pull.
      await engine.store.channels.markFeed(live.id, { gapAt: now });
      engine.wakes.pull(live.id);
      const message = `${live.name}: webhooks were mended: ${changes.join('; ')}`;
      await openAlert(engine, { channelId: live.id, kind: 'webhook_lost', subject: live.name, message });
    } else await closeAlert(engine, 'webhook_lost', live.name);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    if (error instanceof ChannelError) await noteFailure(engine, live, error);
    const level = error instanceof ChannelError ? 'debug' : 'warn';
    engine.log[level]({ channel: live.name, error: messageOf(error) }, 'webhooks not checked');
    return false;
  }
}
