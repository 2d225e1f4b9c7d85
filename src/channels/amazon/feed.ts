import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import type { Account } from './account.ts';
import { type Batch, changeOf, type Writable } from './write.ts';

const root = '/feeds/2021-06-30';
const contentType = 'application/json; charset=UTF-8';
const feedType = 'JSON_LISTINGS_FEED';

const document = z.object({ feedDocumentId: z.string().min(1), url: z.string() });
const created = z.object({ feedId: z.string().min(1) });

/**
 * Sends checked lines as one feed (AMZ-5.2). They are `accepted` once Amazon has taken the feed; what it refuses
 * inside is found by reading back, as for a patch. Only lines that are listed in all configured marketplaces go: a feed
 * names its marketplaces once for all.
 */
export async function sendFeed(batch: Batch, writable: Writable[]): Promise<void> {
  const { account, signal, outcomes } = batch;
  const everywhere = account.config.marketplaces.length;
  const fit = writable.filter(({ marketplaces }) => marketplaces.length === everywhere);
  if (fit.length === 0) return;
  const skus = fit.map(({ line }) => line.listingId);
  // Another call may have begun a feed meanwhile: these lines stay without an outcome and come again.
  if (!(await account.feeds.begin(skus))) return;
  const outcome = await submit(account, fit, signal);
  if (outcome.kind !== 'accepted' && outcome.kind !== 'unknown') await account.feeds.abandon();
  for (const { line } of fit) outcomes.set(line, outcome);
}

/**
 * One outcome for all lines. A feed that is refused as a whole says nothing about a line: they are tried again, by PATCH,
 * because the next feed waits for its time.
 */
async function submit(account: Account, fit: Writable[], signal: AbortSignal): Promise<PushOutcome> {
  const { api, config, feeds } = account;
  try {
    const inputFeedDocumentId = await upload(account, feedOf(config.seller_id, fit), signal);
    const { data } = await api.call(
      {
        operation: 'createFeed',
        method: 'POST',
        path: `${root}/feeds`,
        body: { feedType, marketplaceIds: config.marketplaces, inputFeedDocumentId },
        data: created,
        priority: 'push',
      },
      signal,
    );
    await feeds.submitted(data.feedId);
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

/** Nothing is queued by an upload, so that no failure of it is in doubt. */
async function upload(account: Account, body: string, signal: AbortSignal): Promise<string> {
  try {
    return await store(account, body, signal);
  } catch (error) {
    throw beforeWriting(error);
  }
}

async function store(account: Account, body: string, signal: AbortSignal): Promise<string> {
  const { api, deps } = account;
  const { data } = await api.call(
    {
      operation: 'createFeedDocument',
      method: 'POST',
      path: `${root}/documents`,
      body: { contentType },
      data: document,
      priority: 'push',
    },
    signal,
  );
  if (!isUploadUrl(data.url, deps.baseUrl))
    throw new ChannelError('retry', 'Amazon named an upload address that is not of its own storage');
  const answer = await api.http(
    { method: 'PUT', url: data.url, headers: { 'content-type': contentType }, body },
    signal,
  );
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
