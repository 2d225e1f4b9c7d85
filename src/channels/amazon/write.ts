import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import type { Account } from './account.ts';
import { scrub } from './api.ts';
import { listingPath } from './search.ts';

/** One call of `setStock` on its way. */
export interface Batch {
  account: Account;
  signal: AbortSignal;
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

/**
 * The one change that is ever asked for. `merge` touches the named fields only, where `replace` would wipe handling
 * time and restock date (AMZ-5.1, AMZ-9.6 and AMZ-9.21); the fulfilment channel selects the element.
 */
export function changeOf(quantity: number) {
  return {
    productType: 'PRODUCT',
    patches: [
      {
        op: 'merge',
        path: '/attributes/fulfillment_availability',
        value: [{ fulfillment_channel_code: 'DEFAULT', quantity }],
      },
    ],
  };
}

/** Writes one SKU. Answers an outcome for whatever happens, failures of the request included. */
export async function patch(
  account: Account,
  { line, marketplaces }: Writable,
  signal: AbortSignal,
): Promise<PushOutcome> {
  try {
    const { data } = await account.api.call(
      {
        operation: 'patchListingsItem',
        method: 'PATCH',
        path: listingPath(account.config.seller_id, line.listingId),
        query: { marketplaceIds: marketplaces, issueLocale: 'en_US' },
        body: changeOf(line.quantity),
        data: submission,
        priority: 'push',
      },
      signal,
    );
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
