import { z } from 'zod';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import {
  bodyOf,
  type Call,
  chosenOf,
  countOf,
  type Handler,
  json,
  listOf,
  readToken,
  timeOf,
  wholeSecond,
  writeToken,
} from './call.ts';
import { judge, obey, type PatchDeps, readPatch } from './patches.ts';
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

interface Document {
  id: string;
  contentType: string;
  signature: string;
  signedAt: number;
  /** Null until uploaded. */
  text: string | null;
}

export interface Feeds {
  routes: Record<'list' | 'create' | 'get' | 'cancel' | 'createDocument' | 'getDocument', Handler>;
  /** Uploads and downloads by presigned address; null: not one of those. */
  storage(request: ShopRequest): ShopAnswer | null;
}

const listingsFeed = 'JSON_LISTINGS_FEED';
/** Ended on 2025-07-31: taken, then FATAL. */
const deadFeeds = ['POST_INVENTORY_AVAILABILITY_DATA', 'POST_FLAT_FILE_INVLOADER_DATA', 'POST_PRODUCT_DATA'];
const knownFeeds = [listingsFeed, ...deadFeeds, 'POST_ORDER_ACKNOWLEDGEMENT_DATA'];
const statuses = ['CANCELLED', 'DONE', 'FATAL', 'IN_PROGRESS', 'IN_QUEUE'];
const urlLifeMs = 300_000;
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

interface ReportIssue {
  messageId: number;
  sku: string;
  code: string;
  severity: 'ERROR' | 'WARNING' | 'INFO';
  message: string;
}

/** `url`: where the shop is reached, for presigned addresses. */
export function createFeeds(deps: PatchDeps & { url(): string }): Feeds {
  const { site, notifier } = deps;
  const feeds = new Map<string, Feed>();
  const documents = new Map<string, Document>();
  let count = 50_000 + site.random.int(0, 999);

  const newDocument = (contentType: string, text: string | null): Document => {
    const document = {
      id: `amzn1.tortuga.4.na.${site.uuid()}.${site.random.hex(12).toUpperCase()}`,
      contentType,
      signature: site.random.hex(64),
      signedAt: site.now(),
      text,
    };
    documents.set(document.id, document);
    return document;
  };
  const urlOf = (document: Document) => {
    const expires = Math.max(1, Math.round(platformMs(urlLifeMs, site.timeScale) / 1000));
    return `${deps.url()}/tortuga/${document.id}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=${expires}&X-Amz-Signature=${document.signature}`;
  };
  const feedOf = (call: Call): Feed => {
    const feed = feeds.get(call.params[0] ?? '');
    if (feed === undefined) throw bad(404, 'Feed not found');
    return feed;
  };

  // -------------------------------------------------------------------------------------------------- processing

  const finish = (feed: Feed, status: 'DONE' | 'FATAL', report: unknown) => {
    feed.status = status;
    feed.endedAt = site.now();
    if (report !== null) {
      feed.resultFeedDocumentId = newDocument('application/json', JSON.stringify(report)).id;
    }
    notifier.feedFinished({ ...feed, processingStatus: status });
  };

  const process = (feed: Feed) => {
    const text = documents.get(feed.inputFeedDocumentId)?.text ?? null;
    if (feed.feedType !== listingsFeed || text === null) return finish(feed, 'FATAL', null);
    const parsed = feedSchema.safeParse(jsonOf(text));
    const ids = parsed.data?.messages.map(({ messageId }) => messageId) ?? [];
    const twice = new Set(ids).size < ids.length;
    if (!parsed.success || parsed.data.header.sellerId !== site.sellerId || twice) {
      return finish(feed, 'FATAL', report(feed, [], { processed: 0, accepted: 0 }));
    }
    const issues: ReportIssue[] = [];
    let accepted = 0;
    for (const message of parsed.data.messages) {
      const found = obeyMessage(message);
      issues.push(...found);
      if (found.every(({ severity }) => severity !== 'ERROR')) accepted += 1;
    }
    finish(feed, 'DONE', report(feed, issues, { processed: ids.length, accepted }));
  };

  const report = (feed: Feed, issues: ReportIssue[], sums: { processed: number; accepted: number }) => ({
    header: { sellerId: site.sellerId, version: '2.0', feedId: feed.feedId },
    issues,
    summary: {
      errors: issues.filter(({ severity }) => severity === 'ERROR').length,
      warnings: issues.filter(({ severity }) => severity === 'WARNING').length,
      messagesProcessed: sums.processed,
      messagesAccepted: sums.accepted,
      messagesInvalid: sums.processed - sums.accepted,
    },
  });

  /** What the feed says is obeyed now, however old it is: a patch of meanwhile is overwritten (AMZ-5.2). */
  const obeyMessage = (message: Message): ReportIssue[] => {
    const { messageId, sku } = message;
    const issue = (code: string, text: string): ReportIssue => ({
      messageId,
      sku,
      code,
      severity: 'ERROR',
      message: text,
    });
    if (message.operationType === 'UPDATE' || message.operationType === 'DELETE') {
      return [issue('90000900', 'This operation is not for listings of this sandbox.')];
    }
    try {
      const request = readPatch({ productType: message.productType, patches: patchesOf(message) });
      const listing = site.listings.get(sku);
      const { issues, target } = judge(listing, request);
      if (listing !== undefined && target !== null) {
        const write = obey(deps, listing, request, target);
        if (write !== null) write.answered = true;
      }
      return issues.map(({ code, severity, message: text }) => ({
        messageId,
        sku,
        code,
        severity,
        message: text,
      }));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      return [issue('4000001', problem.message)];
    }
  };

  const schedule = (feed: Feed) => {
    const slowMs = site.faults.dueMs('feed_slow');
    const seconds = (low: number, high: number) =>
      platformMs(site.random.int(low, high) * 1000, site.timeScale);
    const queuedMs =
      slowMs === null ? seconds(5, 60) : slowMs === 0 ? platformMs(20 * 60_000, site.timeScale) : slowMs;
    site.agenda.add({
      afterMs: queuedMs,
      group: 'feeds',
      run: () => {
        if (feed.status !== 'IN_QUEUE') return;
        feed.status = 'IN_PROGRESS';
        feed.startedAt = site.now();
        site.agenda.add({ afterMs: seconds(2, 30), group: 'feeds', run: () => process(feed) });
      },
    });
  };

  // ------------------------------------------------------------------------------------------------------ routes

  const routes: Feeds['routes'] = {
    list: (call) => list(feeds, call),
    create(call) {
      const parsed = createSchema.safeParse(bodyOf(call));
      if (!parsed.success) throw bad(400, 'Invalid input');
      const { feedType, marketplaceIds, inputFeedDocumentId } = parsed.data;
      const here = site.marketplaces.map(({ id }) => id);
      const input = documents.get(inputFeedDocumentId);
      if (!knownFeeds.includes(feedType) || marketplaceIds.some((id) => !here.includes(id))) {
        throw bad(400, 'Invalid input');
      }
      if (input === undefined || input.text === null) {
        throw bad(400, `Document ${inputFeedDocumentId} was not found`);
      }
      count += site.random.int(1, 9);
      const feed: Feed = {
        feedId: String(count),
        feedType,
        marketplaceIds,
        inputFeedDocumentId,
        createdAt: site.now(),
        status: 'IN_QUEUE',
        startedAt: null,
        endedAt: null,
        resultFeedDocumentId: null,
      };
      feeds.set(feed.feedId, feed);
      schedule(feed);
      return json(202, { feedId: feed.feedId });
    },
    get: (call) => json(200, view(feedOf(call))),
    cancel(call) {
      const feed = feedOf(call);
      if (feed.status !== 'IN_QUEUE') throw bad(400, `Feed ${feed.feedId} cannot be cancelled`);
      feed.status = 'CANCELLED';
      return { status: 200, body: '' };
    },
    createDocument(call) {
      const parsed = documentSchema.safeParse(bodyOf(call));
      if (!parsed.success) throw bad(400, 'Invalid input');
      const document = newDocument(parsed.data.contentType, null);
      return json(201, { feedDocumentId: document.id, url: urlOf(document) });
    },
    getDocument(call) {
      const document = documents.get(call.params[0] ?? '');
      if (document === undefined) throw bad(404, 'Document not found');
      document.signedAt = site.now();
      return json(200, { feedDocumentId: document.id, url: urlOf(document) });
    },
  };

  const storage = (request: ShopRequest): ShopAnswer | null => {
    const id = /^\/tortuga\/(.+)$/.exec(request.path)?.[1];
    if (id === undefined) return null;
    const document = documents.get(decodeURIComponent(id));
    if (document === undefined || request.query.get('X-Amz-Signature') !== document.signature) {
      return stored(403, 'SignatureDoesNotMatch');
    }
    if (site.now() - document.signedAt > platformMs(urlLifeMs, site.timeScale)) {
      return stored(403, 'AccessDenied', 'Request has expired');
    }
    if (request.method === 'PUT') {
      // The content type is part of what was signed.
      if (request.headers['content-type'] !== document.contentType) {
        return stored(403, 'SignatureDoesNotMatch');
      }
      document.text = request.body.toString('utf8');
      return { status: 200, headers: { ETag: `"${site.random.hex(32)}"` }, body: '' };
    }
    if (request.method !== 'GET' || document.text === null) return stored(404, 'NoSuchKey');
    return { status: 200, headers: { 'content-type': document.contentType }, body: document.text };
  };

  return { routes, storage };
}

/** The codes of this API are numbers as text (models, static answers). */
function bad(status: number, message: string): Problem {
  return new Problem(status, String(status), message, message);
}

function stored(status: number, code: string, message = ''): ShopAnswer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  };
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
    ...(feed.startedAt === null ? {} : { processingStartTime: wholeSecond(feed.startedAt) }),
    ...(feed.endedAt === null ? {} : { processingEndTime: wholeSecond(feed.endedAt) }),
    ...(feed.resultFeedDocumentId === null ? {} : { resultFeedDocumentId: feed.resultFeedDocumentId }),
  };
}

function list(feeds: Map<string, Feed>, { query }: Call): ShopAnswer {
  const token = query.get('nextToken');
  const types = listOf(query, 'feedTypes');
  if (token === null && types.length === 0) throw bad(400, 'Either feedTypes or nextToken is required');
  const wanted = chosenOf(query, 'processingStatuses', statuses);
  const size = countOf(query, 'pageSize', { lowest: 1, highest: 100, fallback: 10 });
  const since = timeOf(query, 'createdSince') ?? 0;
  const until = timeOf(query, 'createdUntil') ?? Number.POSITIVE_INFINITY;
  const offset = token === null ? 0 : Number(readToken(token, 'nextToken')['offset'] ?? 0);
  const found = [...feeds.values()]
    .filter(
      ({ feedType, status, createdAt }) =>
        (types.length === 0 || types.includes(feedType)) &&
        (wanted.length === 0 || wanted.includes(status)) &&
        createdAt >= since &&
        createdAt <= until,
    )
    .reverse();
  const page = found.slice(offset, offset + size);
  const next = offset + page.length;
  return json(200, {
    feeds: page.map(view),
    ...(next < found.length ? { nextToken: writeToken({ offset: next }) } : {}),
  });
}
