import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import type { Task } from './api.ts';

/** A line that may be written, with the marketplaces that show its number. */
export type Writable = { line: PushLine; marketplaces: string[] };

const document = z.object({ feedDocumentId: z.string().min(1), url: z.string() });
const created = z.object({ feedId: z.string().min(1) });

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

const stated = z.object({ feedId: z.string(), processingStatus: z.string() });
const listed = z.object({ feeds: z.array(stated.extend({ createdTime: z.string().optional() })) });

const contentType = 'application/json; charset=UTF-8';
const feedType = 'JSON_LISTINGS_FEED';

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

/**
 * The one change that is ever asked for. `merge` touches the named fields only, where `replace` would wipe handling
 * time and restock date (AMZ-5.1, AMZ-9.6 and AMZ-9.21); the fulfilment channel selects the element.
 */
export function changeOf(quantity: number) {
  const value = [{ fulfillment_channel_code: 'DEFAULT', quantity }];
  const patches = [{ op: 'merge', path: '/attributes/fulfillment_availability', value }];
  return { productType: 'PRODUCT', patches };
}

/**
 * Sends checked lines as one feed (AMZ-5.2). They are `accepted` once Amazon has taken the feed; what it refuses
 * inside is found by reading back, as for a patch. Only lines that are listed in all configured marketplaces go: a feed
 * names its marketplaces once for all.
 */
export async function sendFeed(task: Task, writable: Writable[]): Promise<Map<PushLine, PushOutcome>> {
  const everywhere = task.config.marketplaces.length;
  const fit = writable.filter(({ marketplaces }) => marketplaces.length === everywhere);
  const skus = fit.map(({ line }) => line.listingId);
  // Another call may have begun a feed meanwhile: these lines stay without an outcome and come again.
  if (skus.length === 0 || !(await begin(task, skus))) return new Map();
  const outcome = await submit(task, fit);
  if (outcome.kind !== 'accepted' && outcome.kind !== 'unknown') await noteSent(task, null);
  return new Map(fit.map(({ line }) => [line, outcome]));
}

/**
 * One outcome for all lines. A feed that is refused as a whole says nothing about a line: they are tried again, by PATCH,
 * because the next feed waits for its time.
 */
async function submit(task: Task, fit: Writable[]): Promise<PushOutcome> {
  const { seller_id: sellerId, marketplaces: marketplaceIds } = task.config;
  try {
    const inputFeedDocumentId = await upload(task, feedOf(sellerId, fit)).catch((error: unknown) => {
      // Nothing is queued by an upload, so that no failure of it is in doubt.
      throw beforeWriting(error);
    });
    const body = { feedType, marketplaceIds, inputFeedDocumentId };
    const { data } = await task.ask('createFeed', { body, data: created, priority: 'push' });
    await noteSent(task, data.feedId);
    return { kind: 'accepted' };
  } catch (error) {
    const outcome = lineOutcome(error);
    return outcome.kind === 'rejected' ? { kind: 'retry', error: outcome.error } : outcome;
  }
}

/** The feed of these lines, as JSON of the listings feed schema 2.0. */
function feedOf(sellerId: string, writable: readonly Writable[]): string {
  return JSON.stringify({
    header: { sellerId, version: '2.0', issueLocale: 'en_US' },
    messages: writable.map(({ line }, at) => ({
      messageId: at + 1,
      sku: line.listingId,
      operationType: 'PATCH',
      ...changeOf(line.quantity),
    })),
  });
}

async function upload({ ask, http, deps, signal }: Task, body: string): Promise<string> {
  const call = { body: { contentType }, data: document, priority: 'push' } as const;
  const { data } = await ask('createFeedDocument', call);
  if (!isUploadUrl(data.url, deps.baseUrl))
    throw new ChannelError('retry', 'Amazon named an upload address that is not of its own storage');
  const headers = { 'content-type': contentType };
  const answer = await http({ method: 'PUT', url: data.url, headers, body }, signal);
  if (answer.status !== 200)
    throw new ChannelError('retry', `the feed could not be uploaded: ${answer.status}`);
  return data.feedDocumentId;
}

/** Amazon's own storage over https; with a `base_url` also that very host, which then plays Amazon. */
export function isUploadUrl(text: string, baseUrl: string | null): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (baseUrl !== null && url.host === new URL(baseUrl).host) return true;
  const isOwn = /\.amazonaws\.com(\.cn)?$/.test(url.hostname);
  return isOwn && url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '';
}

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
function begin(task: Task, skus: string[]): Promise<boolean> {
  return inTurn(task, async () => {
    if (!(await isQuiet(task))) return false;
    const { clock, vault } = task.deps;
    await write(task, { begunAt: clock.now(), feedId: null, skus });
    await vault.set(lastKey, String(clock.now()));
    return true;
  });
}

/** Writes down that Amazon took the feed; null: it surely did not. */
function noteSent(task: Task, feedId: string | null): Promise<void> {
  return inTurn(task, async () => {
    const open = feedId === null ? null : await read(task);
    await write(task, open && { ...open, feedId });
  });
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
  const { data } = await ask('getFeed', { ids: [feedId], data: stated, priority: 'push' });
  const status = data.processingStatus;
  if (!ended.has(status)) return open.feedId === feedId ? open : { ...open, feedId };
  const undone = 'feed ended without being carried out; reading back finds what is missing';
  if (status === 'DONE') log.info({ feed: feedId }, 'feed ended');
  else log.warn({ feed: feedId, status }, undone);
  return null;
}

/**
 * The feed whose submission had no answer: the first of its kind since then. Another tool on the same application could
 * be meant by that; its feed would only make the SKUs wait longer.
 */
async function findFeed({ ask }: Task, begunAt: number): Promise<string | null> {
  const createdSince = new Date(begunAt - 60_000).toISOString();
  const query = { feedTypes: [feedType], createdSince };
  const { data } = await ask('getFeeds', { query, data: listed, priority: 'push' });
  const [oldest] = [...data.feeds].sort((a, b) => ((a.createdTime ?? '') < (b.createdTime ?? '') ? -1 : 1));
  return oldest?.feedId ?? null;
}
