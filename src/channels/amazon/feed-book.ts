import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Api } from './api.ts';

/**
 * Which SKUs lie in a feed that has not ended: the rule that a feed and a patch never race rests on it, so that it is
 * written down before the feed is sent and survives a crash. One feed at a time.
 */
export interface FeedBook {
  /** The SKUs whose pushes must wait. Asks Amazon how the feed stands; a doubt keeps them waiting. Never rejects. */
  locked(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** Whether a feed may begin now: none is open, and the last one began long enough ago. */
  mayBegin(): Promise<boolean>;
  /** Writes down that these SKUs are about to be sent; false when another feed came first. */
  begin(skus: readonly string[]): Promise<boolean>;
  submitted(feedId: string): Promise<void>;
  /** Amazon surely did not take the feed. */
  abandon(): Promise<void>;
}

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

/** The book of one account; nothing is asked until there is an open feed. */
export function createFeedBook(api: Api, deps: ChannelDeps): FeedBook {
  const { clock, vault, log } = deps;
  const look = createLook(api, deps);
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = turn.then(act);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const read = async (): Promise<OpenFeed | null> => {
    const text = await vault.get(openKey);
    if (text === null || text === '') return null;
    const parsed = openFeed.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  };
  const write = (open: OpenFeed | null) => vault.set(openKey, open === null ? '' : JSON.stringify(open));
  const isQuiet = async (): Promise<boolean> => {
    const last = Number((await vault.get(lastKey)) ?? Number.NEGATIVE_INFINITY);
    return (await read()) === null && clock.now() - (Number.isNaN(last) ? 0 : last) >= spacingMs;
  };

  return {
    locked: (signal) =>
      inTurn(async () => {
        const open = await read();
        if (open === null) return new Set<string>();
        try {
          const after = await look(open, signal);
          if (after !== open) await write(after);
          return new Set(after?.skus ?? []);
        } catch (error) {
          if (!(error instanceof ChannelError)) throw error;
          log.warn(
            { feed: open.feedId, error: messageOf(error) },
            'the feed could not be looked at; its SKUs wait',
          );
          return new Set(open.skus);
        }
      }),
    mayBegin: () => inTurn(isQuiet),
    begin: (skus) =>
      inTurn(async () => {
        if (!(await isQuiet())) return false;
        await write({ begunAt: clock.now(), feedId: null, skus: [...skus] });
        await vault.set(lastKey, String(clock.now()));
        return true;
      }),
    submitted: (feedId) =>
      inTurn(async () => {
        const open = await read();
        if (open !== null) await write({ ...open, feedId });
      }),
    abandon: () => inTurn(() => write(null)),
  };
}

/** Looks at an open feed, not too often: answers it as it stands, null when it has ended. */
function createLook(api: Api, { clock, log }: ChannelDeps) {
  let askedAt = Number.NEGATIVE_INFINITY;
  return async (open: OpenFeed, signal: AbortSignal): Promise<OpenFeed | null> => {
    const now = clock.now();
    if (now - open.begunAt > forgetMs) {
      log.warn({ feed: open.feedId }, 'a feed of a day ago never ended; its SKUs are pushed again');
      return null;
    }
    if (now - askedAt < (open.feedId === null ? searchEveryMs : askEveryMs)) return open;
    askedAt = now;
    const known = open.feedId === null ? await findFeed(api, open, signal) : open;
    if (known === null || known.feedId === null) return now - open.begunAt > unlistedMs ? null : open;
    const status = await statusOf(api, known.feedId, signal);
    if (!ended.has(status)) return known;
    if (status === 'DONE') log.info({ feed: known.feedId }, 'feed ended');
    else
      log.warn(
        { feed: known.feedId, status },
        'feed ended without being carried out; reading back finds what is missing',
      );
    return null;
  };
}

async function statusOf(api: Api, feedId: string, signal: AbortSignal): Promise<string> {
  const { data } = await api.call(
    {
      operation: 'getFeed',
      method: 'GET',
      path: `/feeds/2021-06-30/feeds/${encodeURIComponent(feedId)}`,
      data: feed,
      priority: 'push',
    },
    signal,
  );
  return data.processingStatus;
}

/**
 * The feed whose submission had no answer: the first of its kind since then. Another tool on the same application could
 * be meant by that; its feed would only make the SKUs wait longer.
 */
async function findFeed(api: Api, open: OpenFeed, signal: AbortSignal): Promise<OpenFeed | null> {
  const { data } = await api.call(
    {
      operation: 'getFeeds',
      method: 'GET',
      path: '/feeds/2021-06-30/feeds',
      query: {
        feedTypes: ['JSON_LISTINGS_FEED'],
        createdSince: new Date(open.begunAt - 60_000).toISOString(),
      },
      data: feeds,
      priority: 'push',
    },
    signal,
  );
  const [oldest] = [...data.feeds].sort((a, b) => ((a.createdTime ?? '') < (b.createdTime ?? '') ? -1 : 1));
  return oldest === undefined ? null : { ...open, feedId: oldest.feedId };
}
