import { z } from 'zod';
import type { ShopAnswer } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { found } from '../kit/untyped.ts';
import { bodyOf, type Call, type Handler, json, pageAt, wholeSecond } from './call.ts';
import { createDocuments } from './feed-documents.ts';
import type { Floor } from './notifier.ts';
import { type Issue, judge, obey, readPatch } from './patches.ts';
import { Problem } from './problem.ts';

/** Feeds 2021-06-30 with JSON_LISTINGS_FEED (AMZ-5.2, last verified 2026-11). */

interface Feed {
  feedId: string;
  feedType: string;
  marketplaceIds: string[];
  inputFeedDocumentId: string;
  createdAt: number;
  status: 'IN_QUEUE' | 'IN_PROGRESS' | 'DONE' | 'CANCELLED' | 'FATAL';
  startedAt: number | null;
  endedAt: number | null;
  resultFeedDocumentId: string | null;
}

const listingsFeed = 'JSON_LISTINGS_FEED';
/** Ended on 2025-07-31: taken, then FATAL. */
const deadFeeds = ['POST_INVENTORY_AVAILABILITY_DATA', 'POST_FLAT_FILE_INVLOADER_DATA', 'POST_PRODUCT_DATA'];
const knownFeeds = [listingsFeed, ...deadFeeds, 'POST_ORDER_ACKNOWLEDGEMENT_DATA'];
const statuses = ['CANCELLED', 'DONE', 'FATAL', 'IN_PROGRESS', 'IN_QUEUE'];
const maxMessages = 25_000;

const createSchema = z.object({
  feedType: z.string(),
  marketplaceIds: z.array(z.string()).min(1).max(25),
  inputFeedDocumentId: z.string(),
});
const documentSchema = z.object({ contentType: z.string().min(1) });
const feedSchema = z.object({
  header: z.object({ sellerId: z.string(), version: z.literal('2.0') }),
  messages: z
    .array(
      z.looseObject({
        messageId: z.number().int().min(1).max(2_147_483_647),
        sku: z.string().min(1),
        operationType: z.enum(['UPDATE', 'PARTIAL_UPDATE', 'PATCH', 'DELETE']),
        productType: z.string().optional(),
        patches: z.unknown().optional(),
        attributes: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .min(1)
    .max(maxMessages),
});
type Message = z.infer<typeof feedSchema>['messages'][number];

export type Feeds = ReturnType<typeof createFeeds>;

/** `url`: where the shop is reached, for presigned addresses. */
export function createFeeds(floor: Floor, url: () => string) {
  const feeds = new Map<string, Feed>();
  const documents = createDocuments(floor, url);
  let count = 50_000 + floor.random.int(0, 999);
  const work = (feed: Feed) => {
    const { status, report } = processed(floor, feed, documents.textOf(feed.inputFeedDocumentId));
    Object.assign(feed, { status, endedAt: floor.now() });
    if (report !== null) {
      feed.resultFeedDocumentId = documents.add('application/json', JSON.stringify(report)).id;
    }
    floor.notifier.feedFinished({ ...feed, processingStatus: status });
  };
  const feedOf = ({ params: [id = ''] }: Call): Feed =>
    found(feeds.get(id), () => bad(404, 'Feed not found'));

  const routes = {
    list: (call) => list(feeds, call),
    create(call) {
      const { feedType, marketplaceIds, inputFeedDocumentId } = read(createSchema, call);
      const here = floor.marketplaces.map(({ id }) => id);
      if (!knownFeeds.includes(feedType) || marketplaceIds.some((id) => !here.includes(id))) {
        throw bad(400, 'Invalid input');
      }
      if (documents.textOf(inputFeedDocumentId) === null) {
        throw bad(400, `Document ${inputFeedDocumentId} was not found`);
      }
      count += floor.random.int(1, 9);
      const feed: Feed = {
        feedId: String(count),
        feedType,
        marketplaceIds,
        inputFeedDocumentId,
        createdAt: floor.now(),
        status: 'IN_QUEUE',
        startedAt: null,
        endedAt: null,
        resultFeedDocumentId: null,
      };
      feeds.set(feed.feedId, feed);
      schedule(floor, feed, work);
      return json(202, { feedId: feed.feedId });
    },
    get: (call) => json(200, view(feedOf(call))),
    cancel(call) {
      const feed = feedOf(call);
      if (feed.status !== 'IN_QUEUE') throw bad(400, `Feed ${feed.feedId} cannot be cancelled`);
      feed.status = 'CANCELLED';
      return { status: 200, body: '' };
    },
    createDocument: (call) =>
      json(201, documents.view(documents.add(read(documentSchema, call).contentType))),
    getDocument({ params: [id = ''] }) {
      const document = found(documents.sign(id), () => bad(404, 'Document not found'));
      return json(200, documents.view(document));
    },
  } satisfies Record<string, Handler>;

  return { routes, storage: documents.storage };
}

// -------------------------------------------------------------------------------------------------- processing

function schedule(floor: Floor, feed: Feed, work: (feed: Feed) => void): void {
  const { random, timeScale, agenda } = floor;
  const slowMs = floor.faults.dueMs('feed_slow', platformMs(20 * 60_000, timeScale));
  const seconds = (low: number, high: number) => platformMs(random.int(low, high) * 1000, timeScale);
  agenda.add({
    afterMs: slowMs ?? seconds(5, 60),
    group: 'feeds',
    run: () => {
      if (feed.status !== 'IN_QUEUE') return;
      feed.status = 'IN_PROGRESS';
      feed.startedAt = floor.now();
      agenda.add({ afterMs: seconds(2, 30), group: 'feeds', run: () => work(feed) });
    },
  });
}

type ReportIssue = Pick<Issue, 'code' | 'severity' | 'message'>;

/** Obeys a feed. Answers how it ended, and the report on it. */
function processed(
  floor: Floor,
  { feedId, feedType }: Feed,
  text: string | null,
): { status: 'DONE' | 'FATAL'; report: unknown } {
  if (feedType !== listingsFeed || text === null) return { status: 'FATAL', report: null };
  const { data } = feedSchema.safeParse(jsonOf(text));
  const ids = data?.messages.map(({ messageId }) => messageId) ?? [];
  const twice = new Set(ids).size < ids.length;
  const good = data !== undefined && data.header.sellerId === floor.sellerId && !twice;
  const messages = good ? data.messages : [];
  const obeyed = messages.map((message) => ({ ...message, issues: obeyMessage(floor, message) }));
  const issues = obeyed.flatMap(({ messageId, sku, issues }) =>
    issues.map(({ code, severity, message }) => ({ messageId, sku, code, severity, message })),
  );
  const count = (severity: Issue['severity']) => issues.filter((one) => one.severity === severity).length;
  const invalid = obeyed.filter((one) => one.issues.some(({ severity }) => severity === 'ERROR')).length;
  const report = {
    header: { sellerId: floor.sellerId, version: '2.0', feedId },
    issues,
    summary: {
      errors: count('ERROR'),
      warnings: count('WARNING'),
      messagesProcessed: obeyed.length,
      messagesAccepted: obeyed.length - invalid,
      messagesInvalid: invalid,
    },
  };
  return { status: good ? 'DONE' : 'FATAL', report };
}

/** What the feed says is obeyed now, however old it is: a patch of meanwhile is overwritten (AMZ-5.2). */
function obeyMessage(floor: Floor, message: Message): ReportIssue[] {
  const refused = (code: string, text: string): ReportIssue[] => [{ code, severity: 'ERROR', message: text }];
  if (message.operationType === 'UPDATE' || message.operationType === 'DELETE') {
    return refused('90000900', 'This operation is not for listings of this sandbox.');
  }
  try {
    const request = readPatch({ productType: message.productType, patches: patchesOf(message) });
    const listing = floor.listings.get(message.sku);
    const { issues, target } = judge(listing, request);
    if (listing !== undefined && target !== null) {
      const write = obey(floor, listing, request, target);
      if (write !== null) write.answered = true;
    }
    return issues;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return refused('4000001', problem.message);
  }
}

function read<T>(schema: z.ZodType<T>, call: Call): T {
  const parsed = schema.safeParse(bodyOf(call));
  if (!parsed.success) throw bad(400, 'Invalid input');
  return parsed.data;
}

/** The codes of this API are numbers as text (models, static answers). */
function bad(status: number, message: string): Problem {
  return new Problem(status, String(status), message, message);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** PARTIAL_UPDATE is PATCH with `replace` (feed schema v2): it wipes what it does not name. */
function patchesOf(message: Message): unknown {
  if (message.operationType === 'PATCH') return message.patches;
  return Object.entries(message.attributes ?? {}).map(([name, value]) => ({
    op: 'replace',
    path: `/attributes/${name}`,
    value,
  }));
}

function view(feed: Feed): Record<string, unknown> {
  return {
    feedId: feed.feedId,
    feedType: feed.feedType,
    marketplaceIds: feed.marketplaceIds,
    createdTime: wholeSecond(feed.createdAt),
    processingStatus: feed.status,
    processingStartTime: feed.startedAt === null ? undefined : wholeSecond(feed.startedAt),
    processingEndTime: feed.endedAt === null ? undefined : wholeSecond(feed.endedAt),
    resultFeedDocumentId: feed.resultFeedDocumentId ?? undefined,
  };
}

function list(feeds: Map<string, Feed>, { query }: Call): ShopAnswer {
  const types = query.list('feedTypes');
  if (query.get('nextToken') === null && types.length === 0)
    throw bad(400, 'Either feedTypes or nextToken is required');
  const wanted = query.chosen('processingStatuses', statuses);
  const size = query.count('pageSize', [1, 100], 10);
  const since = query.time('createdSince') ?? 0;
  const until = query.time('createdUntil') ?? Number.POSITIVE_INFINITY;
  const offset = Number(query.token('nextToken')?.['offset'] ?? 0);
  const listed = [...feeds.values()]
    .filter(
      ({ feedType, status, createdAt }) =>
        (types.length === 0 || types.includes(feedType)) &&
        (wanted.length === 0 || wanted.includes(status)) &&
        createdAt >= since &&
        createdAt <= until,
    )
    .reverse();
  const { page, next } = pageAt(listed, offset, size);
  return json(200, { feeds: page.map(view), ...next });
}
