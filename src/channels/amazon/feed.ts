import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { Account } from './account.ts';
import { beforeWriting } from './failures.ts';
import type { Batch } from './push.ts';
import { changeOf, outcomeOf, type Writable } from './write.ts';

const root = '/feeds/2021-06-30';
const contentType = 'application/json; charset=UTF-8';
const feedType = 'JSON_LISTINGS_FEED';

const document = z.object({ feedDocumentId: z.string().min(1), url: z.string() });
const created = z.object({ feedId: z.string().min(1) });

/**
 * Sends checked lines as one feed (dossier 5.2). They are `accepted` once Amazon has taken the feed; what it refuses
 * inside is found by reading back, as for a patch. Only lines that are listed in all configured marketplaces go: a feed
 * names its marketplaces once for all.
 */
export async function sendFeed(batch: Batch, writable: Writable[]): Promise<void> {
  const { account, signal, outcomes } = batch;
  const everywhere = account.config.marketplaces.length;
  const fit = writable.filter(({ marketplaces }) => marketplaces.length === everywhere);
  if (fit.length === 0) return;
  const settle = (outcome: ReturnType<typeof outcomeOf>) => {
    for (const { line } of fit) outcomes.set(line, outcome);
  };
  let documentId: string;
  try {
    documentId = await upload(account, feedOf(account.config.seller_id, fit), signal);
  } catch (error) {
    return settle(outcomeOf(beforeWriting(error)));
  }
  const skus = fit.map(({ line }) => line.listingId);
  // Another call may have begun a feed meanwhile: these lines stay without an outcome and come again.
  if (!(await account.feeds.begin(skus))) return;
  try {
    const { data } = await account.api.call(
      {
        operation: 'createFeed',
        method: 'POST',
        path: `${root}/feeds`,
        body: { feedType, marketplaceIds: account.config.marketplaces, inputFeedDocumentId: documentId },
        data: created,
        priority: 'push',
      },
      signal,
    );
    await account.feeds.submitted(data.feedId);
    settle({ kind: 'accepted' });
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome.kind !== 'unknown') await account.feeds.abandon();
    settle(outcome);
  }
}

/** The feed of these lines, as JSON of the listings feed schema 2.0. */
export function feedOf(sellerId: string, writable: readonly Writable[]): string {
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

async function upload(account: Account, body: string, signal: AbortSignal): Promise<string> {
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
