import { z } from 'zod';
import type { CheckItem, Json } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { iso } from '../../clock.ts';
import { AppError, countText, EXIT, messageOf } from '../../errors.ts';
import { askAccount } from '../account/account.ts';
import { importCatalogue } from '../account/catalogue.ts';
import { type ChannelWebhooks, listWebhooks, registerWebhooks, removeWebhooks } from '../account/webhooks.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import type { Ingest } from '../inbound/ingest.ts';
import type { Pusher } from '../outbound/push.ts';
import { planFromJson } from '../plan.ts';
import { type ReconcileTools, reconcile } from '../reconcile/reconcile.ts';
import { exitCodeOf, sentenceOf } from '../reconcile/result.ts';
import { calibrate } from './calibrate.ts';
import type { RequestHandler, RequestHandlers } from './requests.ts';

/** The duties that carry out what commands ask for. */
export interface HandlerTools extends ReconcileTools {
  pusher: Pusher;
  ingest: Ingest;
}

const ofChannel = z.object({ channel: z.string().nullish() });
const reconcileArgs = z.object({
  channel: z.string().nullish(),
  skus: z.array(z.string()).nullish(),
  dry_run: z.boolean().default(false),
  plan_id: z.string().nullish(),
  plan: z.unknown().optional(),
  over_brake: z.boolean().default(false),
  exit_code: z.boolean().default(false),
  wait_ms: z.int().min(0).max(600_000).default(60_000),
});

/** What the process that talks to channels does for commands, by kind of request. */
export function requestHandlers(engine: Engine, tools: HandlerTools): RequestHandlers {
  return {
    reconcile: (args, progress, signal) => runReconcile(engine, tools, { args, progress }, signal),
    'listings.import': channelHandler(engine, importCatalogue),
    calibrate: channelHandler(engine, calibrate),
    'webhooks.list': webhookHandler(engine, listWebhooks),
    'webhooks.register': webhookHandler(engine, registerWebhooks),
    'webhooks.remove': webhookHandler(engine, removeWebhooks),
    'pushes.retry': async (args) => {
      const { channel } = ofChannel.parse(args);
      const count = await engine.store.outbox.retry(channel == null ? {} : { channel }, engine.clock.now());
      engine.wakes.push(null);
      await tools.pusher.runUntilIdle();
      return { retried: count };
    },
    ingest: async () => ({ handled: await tools.ingest.runUntilIdle() }),
    check: async (args, progress, signal) => {
      const lives = named(engine, ofChannel.parse(args).channel ?? null);
      const channels: Json[] = [];
      for (const live of lives) {
        progress(`asking ${live.name}`);
        channels.push(plain({ channel: live.name, items: await checkChannel(engine, live, signal) }));
      }
      return { channels };
    },
  };
}

/** Work at the one channel that is named. */
function channelHandler(engine: Engine, act: typeof importCatalogue | typeof calibrate): RequestHandler {
  return async (args, progress, signal) => {
    const live = channelNamed(engine, ofChannel.parse(args).channel ?? '');
    return plain(await talking<unknown>(() => act(engine, live, progress, signal)));
  };
}

async function runReconcile(
  engine: Engine,
  tools: HandlerTools,
  asked: { args: Json; progress: (text: string) => void },
  signal: AbortSignal,
): Promise<Json> {
  const args = reconcileArgs.parse(asked.args);
  if (args.channel != null) channelNamed(engine, args.channel);
  const plan = await planOf(engine, args);
  const outcome = await reconcile(
    engine,
    { ...tools, progress: asked.progress },
    {
      channels: args.channel == null ? null : [args.channel],
      skus: args.skus ?? null,
      dryRun: args.dry_run,
      waitMs: args.wait_ms,
      overBrake: args.over_brake,
      ...(plan === null ? {} : { plan }),
    },
    signal,
  );
  if (!args.dry_run) engine.log.info({}, `asked by hand: ${sentenceOf(outcome)}`);
  const code = exitCodeOf(outcome, { exitCode: args.exit_code, dryRun: args.dry_run });
  return plain({ ...outcome, exit_code: code });
}

async function planOf(engine: Engine, args: z.infer<typeof reconcileArgs>) {
  if (args.plan != null) return planFromJson(args.plan);
  if (args.plan_id == null) return null;
  const row = await engine.store.duties.plan(args.plan_id);
  if (row === null) {
    throw new AppError('unknown_plan', `no plan ${args.plan_id} is saved`, {
      hint: 'make one with: invsync reconcile --dry-run --out plan.json',
      exitCode: EXIT.usage,
    });
  }
  return planFromJson(row.body);
}

function webhookHandler(engine: Engine, act: typeof listWebhooks): RequestHandler {
  return async (args, progress, signal) => {
    const channels: ChannelWebhooks[] = [];
    for (const live of named(engine, ofChannel.parse(args).channel ?? null)) {
      progress(`asking ${live.name}`);
      try {
        channels.push(await act(engine, live, signal));
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
        channels.push({ channel: live.name, webhooks: [], changes: [], error: error.message });
      }
    }
    return plain({ channels });
  };
}

async function checkChannel(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<CheckItem[]> {
  try {
    const standing = await askAccount(engine, live, signal);
    const items = [...(await live.channel.check(signal)), ...(await doorItems(engine, live))];
    if (standing.kind !== 'refused') return items;
    const remedy = 'until then nothing of it is taken in and nothing is written to it';
    return [...items, { name: 'account', level: 'fail', detail: standing.reason, remedy }];
  } catch (error) {
    const refused = error instanceof ChannelError && error.kind === 'auth';
    const remedy =
      error instanceof ChannelError && error.hint !== ''
        ? error.hint
        : 'check the address and the credentials';
    return [{ name: refused ? 'credentials' : 'reachable', level: 'fail', detail: messageOf(error), remedy }];
  }
}

/** What the door heard: the last good delivery, and what was refused since. Nothing where nothing ever came. */
async function doorItems(engine: Engine, live: LiveChannel): Promise<CheckItem[]> {
  const row = await engine.store.channels.channel(live.id);
  if (row === null || (row.webhookHeardAt === null && row.webhookRefused === 0)) return [];
  const good =
    row.webhookHeardAt === null ? 'none was ever good' : `last good one ${iso(row.webhookHeardAt)}`;
  if (row.webhookRefused === 0) return [{ name: 'door', level: 'ok', detail: good, remedy: '' }];
  const calls = countText(row.webhookRefused, 'call');
  const last = row.webhookRefusedAt === null ? '' : ` at ${iso(row.webhookRefusedAt)}`;
  return [
    {
      name: 'door',
      level: 'warn',
      detail: `${calls} refused, the last${last} (${row.webhookRefusal ?? 'no reason given'}); ${good}`,
      remedy: `compare the secret with the platform's, then: invsync webhooks register ${live.name}`,
    },
  ];
}

/** A channel's failure in words that a command can end with. */
async function talking<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    const exitCode =
      error.kind === 'auth' ? EXIT.refused : error.kind === 'rejected' ? EXIT.failed : EXIT.temporary;
    throw new AppError(`channel_${error.kind}`, error.message, { hint: error.hint, exitCode, cause: error });
  }
}

function named(engine: Engine, name: string | null): LiveChannel[] {
  return name === null ? [...engine.channels.values()] : [channelNamed(engine, name)];
}

function channelNamed(engine: Engine, name: string): LiveChannel {
  const live = [...engine.channels.values()].find((each) => each.name === name);
  if (live !== undefined) return live;
  throw new AppError('unknown_channel', `no channel is called "${name}"`, {
    hint: `configured: ${[...engine.channels.values()].map((each) => each.name).join(', ')}`,
    exitCode: EXIT.usage,
  });
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
