import type { Listing, PushLine } from '../../../src/channels/channel.ts';
import { EbayConfig } from '../../../src/channels/ebay/config.ts';
import { ebay } from '../../../src/channels/ebay/index.ts';
import * as kit from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';

/** A call; for the XML API its path is the name of the call. */
export type Call = kit.Call;

/** What is answered: `json`, or `xml` (the content of the response element), 200 unless told. */
export interface Reply extends kit.Reply {
  xml?: string;
}

const config = {
  client_id: 'app-id',
  client_secret: 'cert-secret',
  dev_id: 'dev-id',
  refresh_token: 'v^1.1#refresh-secret',
  refresh_token_created: '2026-11-01',
  marketplace: 'EBAY_DE',
  verification_token: 'verification_token-0123456789abcdef',
};

/** A running script, the channel at it, and what it was asked. */
export type Stage = kit.Stage;

/** Answers of the token endpoint, unless the script has its own. */
function grant(call: Call, granted: number): Reply {
  const kind = call.text.includes('client_credentials') ? 'app' : 'user';
  const count = granted === 0 ? '' : `-${granted}`;
  return { json: { access_token: `token-${kind}${count}`, expires_in: 7200, token_type: 'Bearer' } };
}

export const tokenPath = '/identity/v1/oauth2/token';

/** A loopback server that answers by the script. It and its channels end with the test. */
export async function stage(
  script: (call: Call) => Reply | undefined,
  options: kit.StageOptions = {},
): Promise<Stage> {
  let granted = 0;
  const answer = (call: Call): kit.Reply => {
    const name = call.headers['x-ebay-api-call-name'];
    if (typeof name === 'string') call.path = name;
    call.body ??= '';
    const known = () => (call.path === tokenPath ? grant(call, granted++) : undefined);
    const reply = script(call) ?? known() ?? { status: 404, json: { errors: [{ errorId: 1 }] } };
    return { ...reply, text: bodyOf(call, reply) };
  };
  const deps = { name: 'ebay-shop', ...options.deps };
  return kit.stageOf(ebay, config, answer, { ...options, deps });
}

function bodyOf(call: Call, reply: Reply): string {
  if (reply.text !== undefined) return reply.text;
  if (reply.xml === undefined) return reply.json === undefined ? '' : JSON.stringify(reply.json);
  const ack = reply.xml.includes('<Ack>') ? '' : '<Ack>Success</Ack>';
  return `<?xml version="1.0" encoding="UTF-8"?><${call.path}Response xmlns="urn:ebay:apis:eBLBaseComponents">${ack}${reply.xml}</${call.path}Response>`;
}

/** A sound configuration with some keys changed. */
export function configOf(change: Record<string, unknown> = {}): EbayConfig {
  return EbayConfig.parse(kit.changed(config, change));
}

export function line(listing: Listing, quantity: number, base: number | null): PushLine {
  return { ...listing, quantity, base, key: 'cd'.repeat(16) };
}

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'ebay',
  definition: ebay as unknown as Door['definition'],
  config,
  good({ path }) {
    const item = { availability: { shipToLocationAvailability: { quantity: 5 } } };
    const answers: Record<string, unknown> = {
      '/commerce/identity/v1/user/': { userId: 'u-1', username: 'myshop' },
      '/sell/inventory/v1/bulk_get_inventory_item': {
        responses: [{ sku: 'MUG', statusCode: 200, inventoryItem: item }],
      },
      '/sell/inventory/v1/bulk_update_price_quantity': { responses: [{ sku: 'MUG', statusCode: 200 }] },
    };
    return path in answers ? { json: answers[path] } : undefined;
  },
  line: kit.lineOf({ listingId: 'MUG', counterKey: 'MUG', channelSku: 'MUG', facts: null }, 4, 5),
  isWrite: ({ path }) => path.endsWith('bulk_update_price_quantity'),
  limited: (headers) => ({ status: 429, headers, json: {} }),
  tokens: {
    isGrant: ({ path }) => path === tokenPath,
    grant: (token, seconds) => ({ json: { access_token: token, expires_in: seconds } }),
    tokenIn: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
    refused: { status: 401, json: { errors: [{ errorId: 1001 }] } },
    denied: { status: 400, json: { error: 'invalid_grant' } },
  },
};
