import { ChannelError } from '../../channels/errors.ts';
import { AppError, EXIT, messageOf } from '../../errors.ts';
import type { ChannelRow } from '../../store/store.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import { answered, noteFailure } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { accountFault } from '../refusal.ts';

/**
 * Whose account a channel's credentials lead to. `bound`: ours, everything goes on. `refused`: not ours; nothing of it
 * is taken in, mapped or written. `unreachable`: it did not say; `known`: it was bound before, so what it delivers counts.
 */
export type Standing =
  | { kind: 'bound' }
  | { kind: 'refused'; reason: string }
  | { kind: 'unreachable'; error: ChannelError; known: boolean; at: number };

/** After an answer that did not come, and between looks whether a refusal is over. */
const againMs = 15_000;
const boundMs = 3_600_000;

/** What was answered since this channel object was made: a reload makes new ones, so it asks again. */
const standings = new WeakMap<LiveChannel, Standing>();
const asking = new WeakMap<LiveChannel, Promise<Standing>>();

/**
 * The one gate: what the account is, asked once at first contact. Whatever takes in, maps or writes waits for it, so that
 * one account is never counted under two names and another shop's orders never become ours.
 */
export async function admit(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Standing> {
  const standing = standings.get(live);
  return standing === undefined || isStale(engine, standing) ? askAccount(engine, live, signal) : standing;
}

function isStale(engine: Engine, standing: Standing): boolean {
  return standing.kind === 'unreachable' && engine.clock.now() - standing.at >= againMs;
}

/** Bound, or bound before and only silent now: an outage of the one call must not keep sales and lowering back. */
export function isOurs(standing: Standing): boolean {
  return standing.kind === 'bound' || (standing.kind === 'unreachable' && standing.known);
}

/** Why the channel's deliveries are kept aside, or null. Never waits: where nobody has asked yet, it sees to that. */
export function keptAside(engine: Engine, live: LiveChannel): string | null {
  const standing = standings.get(live);
  if (standing === undefined || isStale(engine, standing)) {
    askAccount(engine, live, new AbortController().signal).catch((error: unknown) =>
      engine.log.error({ channel: live.name, error: messageOf(error) }, 'account not asked'),
    );
  }
  if (standing === undefined) return 'kept aside until its account is known';
  if (standing.kind === 'refused') return `kept aside: ${standing.reason}`;
  if (standing.kind === 'bound' || standing.known) return null;
  return `kept aside until its account is known: ${standing.error.message}`;
}

/** Asks the platform, binds at first contact, and tells people of a refusal. Callers at the same time share one call. */
export function askAccount(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Standing> {
  const running = asking.get(live);
  if (running !== undefined) return running;
  const call = ask(engine, live, signal).finally(() => asking.delete(live));
  asking.set(live, call);
  return call;
}

async function ask(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<Standing> {
  let accountId: string;
  try {
    accountId = (await live.channel.identity(signal)).accountId;
  } catch (error) {
    return unreachable(engine, live, error);
  }
  // A mark that cannot be written now says nothing of whose account it is.
  await answered(engine, live).catch((error: unknown) =>
    engine.log.warn({ channel: live.name, error: messageOf(error) }, 'answer not noted'),
  );
  const standing = await bind(engine, live, accountId);
  standings.set(live, standing);
  await takeUpAside(engine, live);
  return standing;
}

/**
 * What was kept aside is due again where the account is ours by now. Asked after a standing is set, and again after
 * deliveries were put aside: whichever of the two comes last finds what the other left.
 */
export async function takeUpAside(engine: Engine, live: LiveChannel): Promise<void> {
  const standing = standings.get(live);
  if (standing === undefined || !isOurs(standing)) return;
  if ((await engine.store.inbox.takeUp(live.id, engine.clock.now())) > 0) engine.wakes.inbox();
}

async function bind(engine: Engine, live: LiveChannel, accountId: string): Promise<Standing> {
  const { channels } = engine.store;
  const now = engine.clock.now();
  const binding = await channels.bind(live.id, accountId, now);
  if (binding.kind === 'bound') {
    await closeAlert(engine, 'account', live.name);
    return { kind: 'bound' };
  }
  if (binding.kind === 'moved') return { kind: 'refused', reason: `its account goes on as ${binding.by}` };
  const rows = await channels.list();
  const row = rows.find((each) => each.id === live.id);
  const reason = (row === undefined ? null : accountFault(row, rows)) ?? `account ${accountId} is not ours`;
  const message = `${live.name} takes nothing in and is written nothing: ${reason}`;
  await openAlert(engine, { channelId: live.id, kind: 'account', subject: live.name, message });
  return { kind: 'refused', reason };
}

/** What was known stays known; what was not is asked again soon. */
async function unreachable(engine: Engine, live: LiveChannel, cause: unknown): Promise<Standing> {
  const error =
    cause instanceof ChannelError ? cause : new ChannelError('retry', messageOf(cause), { cause });
  await noteFailure(engine, live, error);
  engine.log.debug({ channel: live.name, error: error.message }, 'account not identified');
  const before = standings.get(live);
  if (before !== undefined && before.kind !== 'unreachable') return before;
  const row = await engine.store.channels.channel(live.id);
  const at = engine.clock.now();
  const standing: Standing = { kind: 'unreachable', error, known: row?.accountId != null, at };
  standings.set(live, standing);
  await takeUpAside(engine, live);
  return standing;
}

/** For dry runs: what asking would say. Nothing is bound, noted or told. */
export async function lookAtAccount(
  engine: Engine,
  live: LiveChannel,
  signal: AbortSignal,
): Promise<Standing> {
  try {
    const { accountId } = await live.channel.identity(signal);
    const rows = await engine.store.channels.list();
    const row = rows.find((each) => each.id === live.id);
    const reason = row === undefined ? null : accountFault({ ...row, accountSeen: accountId }, rows);
    return reason === null ? { kind: 'bound' } : { kind: 'refused', reason };
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return { kind: 'unreachable', error, known: false, at: engine.clock.now() };
  }
}

/** Lets pass what is bound. Throws AppError `account` (exit code 4) for a refusal, else the channel's `ChannelError`. */
export async function assertOurs(engine: Engine, live: LiveChannel, signal: AbortSignal): Promise<void> {
  const standing = await admit(engine, live, signal);
  if (standing.kind === 'bound') return;
  if (standing.kind === 'unreachable') throw standing.error;
  throw new AppError('account', `${live.name}: ${standing.reason}`, {
    hint: 'invsync channels list says which account is whose',
    exitCode: EXIT.brake,
  });
}

/** Asks every channel at start, again soon while one is silent or its refusal may be over, and hourly. */
export function createIdentification(engine: Engine): Loop {
  const askAt = new Map<LiveChannel, number>();
  return createLoop(engine, 'identify', async (signal) => {
    const rows = await engine.store.channels.list();
    await Promise.all(
      [...engine.channels.values()].map(async (live) => {
        const row = rows.find((each) => each.id === live.id);
        const mended = row !== undefined && isOver(live, row, rows);
        if (!mended && engine.clock.now() < (askAt.get(live) ?? 0)) return;
        const { kind } = await askAccount(engine, live, signal);
        askAt.set(live, engine.clock.now() + (kind === 'unreachable' ? againMs : boundMs));
      }),
    );
    const now = engine.clock.now();
    const next = Math.min(boundMs, ...[...askAt.values()].map((at) => at - now));
    const refused = [...engine.channels.values()].some((live) => standings.get(live)?.kind === 'refused');
    return Math.max(1, refused ? Math.min(againMs, next) : next);
  });
}

/** Another channel had the account and has let go of it. */
function isOver(live: LiveChannel, row: ChannelRow, rows: readonly ChannelRow[]): boolean {
  return standings.get(live)?.kind === 'refused' && accountFault(row, rows) === null;
}
