import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import type { Task } from './account.ts';
import { scrub } from './api.ts';
import { abandon, begin, submitted } from './feed-book.ts';

/** One call of `setStock` on its way. */
export interface Batch extends Task {
  outcomes: Map<PushLine, PushOutcome>;
  /** What went wrong beyond a single line; nothing more is sent then. */
  trouble: PushOutcome | null;
  /** From then on nothing new is begun: what is left is for the next call, and spends no attempt. */
  stopAt: number;
}

/** A line that may be written, with the marketplaces that show its number. */
export interface Writable {
  line: PushLine;
  marketplaces: string[];
}

const submission = z.object({
  status: z.enum(['ACCEPTED', 'INVALID', 'VALID']),
  issues: z.array(z.object({ code: z.string(), message: z.string(), severity: z.string() })).nullish(),
});
const document = z.object({ feedDocumentId: z.string().min(1), url: z.string() });
const created = z.object({ feedId: z.string().min(1) });

const contentType = 'application/json; charset=UTF-8';
const feedType = 'JSON_LISTINGS_FEED';

/**
 * The one change that is ever asked for. `merge` touches the named fields only, where `replace` would wipe handling
 * time and restock date (AMZ-5.1, AMZ-9.6 and AMZ-9.21); the fulfilment channel selects the element.
 */
function changeOf(quantity: number) {
  const value = [{ fulfillment_channel_code: 'DEFAULT', quantity }];
  const patches = [{ op: 'merge', path: '/attributes/fulfillment_availability', value }];
  return { productType: 'PRODUCT', patches };
}

/** Writes one SKU. Answers an outcome for whatever happens, failures of the request included. */
export async function patch({ ask, config }: Task, { line, marketplaces }: Writable): Promise<PushOutcome> {
  try {
    const { data } = await ask('patchListingsItem', {
      ids: [config.seller_id, line.listingId],
      query: { marketplaceIds: marketplaces, issueLocale: 'en_US' },
      body: changeOf(line.quantity),
      data: submission,
      priority: 'push',
    });
    return outcomeOfSubmission(data);
  } catch (error) {
    return lineOutcome(error);
  }
}

/** HTTP 200 says nothing (AMZ-9.14 and AMZ-9.16): accepted and without errors is a success, and even that is not live yet. */
function outcomeOfSubmission({ status, issues }: z.infer<typeof submission>): PushOutcome {
  const errors = (issues ?? []).filter((issue) => issue.severity === 'ERROR');
  if (status === 'ACCEPTED' && errors.length === 0) return { kind: 'accepted' };
  const why = errors.map(({ code, message }) => `${code}: ${message}`).join('; ');
  return {
    kind: 'rejected',
    error: scrub(`Amazon answered ${status}${why === '' ? '' : ` with ${why}`}`),
    hint: 'mend the listing in Seller Central (Manage Inventory > Fix), then: invsync pushes retry',
  };
}

/**
 * Sends checked lines as one feed (AMZ-5.2). They are `accepted` once Amazon has taken the feed; what it refuses
 * inside is found by reading back, as for a patch. Only lines that are listed in all configured marketplaces go: a feed
 * names its marketplaces once for all.
 */
export async function sendFeed(batch: Batch, writable: Writable[]): Promise<void> {
  const everywhere = batch.config.marketplaces.length;
  const fit = writable.filter(({ marketplaces }) => marketplaces.length === everywhere);
  if (fit.length === 0) return;
  const skus = fit.map(({ line }) => line.listingId);
  // Another call may have begun a feed meanwhile: these lines stay without an outcome and come again.
  if (!(await begin(batch, skus))) return;
  const outcome = await submit(batch, fit);
  if (outcome.kind !== 'accepted' && outcome.kind !== 'unknown') await abandon(batch);
  for (const { line } of fit) batch.outcomes.set(line, outcome);
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
    await submitted(task, data.feedId);
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

async function upload({ ask, api, deps, signal }: Task, body: string): Promise<string> {
  const headers = { 'content-type': contentType };
  const { data } = await ask('createFeedDocument', {
    body: { contentType },
    data: document,
    priority: 'push',
  });
  if (!isUploadUrl(data.url, deps.baseUrl))
    throw new ChannelError('retry', 'Amazon named an upload address that is not of its own storage');
  const answer = await api.http({ method: 'PUT', url: data.url, headers, body }, signal);
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
