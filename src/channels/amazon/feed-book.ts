import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import { ChannelError } from '../errors.ts';
import type { Task } from './account.ts';

/**
 * The feed book: which SKUs lie in a feed that has not ended. The rule that a feed and a patch never race rests on it, so
 * that it is written down before the feed is sent and survives a crash. One feed at a time.
 */

const openFeed = z.object({
  begunAt: z.number(),
  /** Null: sent without an answer, or about to be sent when the process ended. */
  feedId: z.string().nullable(),
  skus: z.array(z.string()),
});
type OpenFeed = z.infer<typeof openFeed>;

const feed = z.object({
  feedId: z.string(),
  processingStatus: z.string(),
  createdTime: z.string().optional(),
});
const feeds = z.object({ feeds: z.array(feed) });

const openKey = 'feed open';
const lastKey = 'feed begun at';
/** Same feed type not more often than this, and the previous one must have ended (AMZ-5.2). */
const spacingMs = 20 * 60_000;
const askEveryMs = 5_000;
/** Feeds are listed slowly (0.0222/s). */
const searchEveryMs = 60_000;
/** A feed that Amazon does not list after this was never taken. */
const unlistedMs = 5 * 60_000;
/** No feed acts any more after a day: a book that cannot be closed must not hold pushes for ever. */
const forgetMs = 86_400_000;
const ended = new Set(['DONE', 'CANCELLED', 'FATAL']);

/** The SKUs whose pushes must wait. Asks Amazon how the feed stands; a doubt keeps them waiting. Never rejects. */
export function lockedSkus(task: Task): Promise<ReadonlySet<string>> {
  return inTurn(task, async () => {
    const open = await read(task);
    if (open === null) return new Set();
    try {
      const after = await look(task, open);
      if (after !== open) await write(task, after);
      return new Set(after?.skus);
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      const said = { feed: open.feedId, error: messageOf(error) };
      task.deps.log.warn(said, 'the feed could not be looked at; its SKUs wait');
      return new Set(open.skus);
    }
  });
}

/** Whether a feed may begin now: none is open, and the last one began long enough ago. */
export function mayBegin(task: Task): Promise<boolean> {
  return inTurn(task, () => isQuiet(task));
}

/** Writes down that these SKUs are about to be sent; false when another feed came first. */
export function begin(task: Task, skus: string[]): Promise<boolean> {
  return inTurn(task, async () => {
    if (!(await isQuiet(task))) return false;
    const { clock, vault } = task.deps;
    await write(task, { begunAt: clock.now(), feedId: null, skus });
    await vault.set(lastKey, String(clock.now()));
    return true;
  });
}

export function submitted(task: Task, feedId: string): Promise<void> {
  return inTurn(task, async () => {
    const open = await read(task);
    if (open !== null) await write(task, { ...open, feedId });
  });
}

/** Amazon surely did not take the feed. */
export function abandon(task: Task): Promise<void> {
  return inTurn(task, () => write(task, null));
}

function inTurn<T>({ feeds }: Task, act: () => Promise<T>): Promise<T> {
  const mine = feeds.turn.then(act);
  feeds.turn = mine.catch(() => undefined);
  return mine;
}

async function read({ deps }: Task): Promise<OpenFeed | null> {
  const text = await deps.vault.get(openKey);
  return openFeed.safeParse(JSON.parse(text || 'null')).data ?? null;
}

function write({ deps }: Task, open: OpenFeed | null): Promise<void> {
  return deps.vault.set(openKey, open === null ? '' : JSON.stringify(open));
}

async function isQuiet(task: Task): Promise<boolean> {
  const last = Number((await task.deps.vault.get(lastKey)) ?? Number.NEGATIVE_INFINITY);
  const passedMs = task.deps.clock.now() - (Number.isNaN(last) ? 0 : last);
  return (await read(task)) === null && passedMs >= spacingMs;
}

/** Looks at an open feed, not too often: answers it as it stands, null when it has ended. */
async function look(task: Task, open: OpenFeed): Promise<OpenFeed | null> {
  const { ask, deps, feeds } = task;
  const { clock, log } = deps;
  const now = clock.now();
  if (now - open.begunAt > forgetMs) {
    log.warn({ feed: open.feedId }, 'a feed of a day ago never ended; its SKUs are pushed again');
    return null;
  }
  if (now - feeds.askedAt < (open.feedId === null ? searchEveryMs : askEveryMs)) return open;
  feeds.askedAt = now;
  const feedId = open.feedId ?? (await findFeed(task, open.begunAt));
  if (feedId === null) return now - open.begunAt > unlistedMs ? null : open;
  const { data } = await ask('getFeed', { ids: [feedId], data: feed, priority: 'push' });
  const status = data.processingStatus;
  if (!ended.has(status)) return open.feedId === feedId ? open : { ...open, feedId };
  if (status === 'DONE') log.info({ feed: feedId }, 'feed ended');
  else
    log.warn(
      { feed: feedId, status },
      'feed ended without being carried out; reading back finds what is missing',
    );
  return null;
}

/**
 * The feed whose submission had no answer: the first of its kind since then. Another tool on the same application could
 * be meant by that; its feed would only make the SKUs wait longer.
 */
async function findFeed({ ask }: Task, begunAt: number): Promise<string | null> {
  const createdSince = new Date(begunAt - 60_000).toISOString();
  const query = { feedTypes: ['JSON_LISTINGS_FEED'], createdSince };
  const { data } = await ask('getFeeds', { query, data: feeds, priority: 'push' });
  const [oldest] = [...data.feeds].sort((a, b) => ((a.createdTime ?? '') < (b.createdTime ?? '') ? -1 : 1));
  return oldest?.feedId ?? null;
}
