import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Channel } from '../../../src/channels/channel.ts';
import { calm, hook, received } from '../../kit/stage.ts';
import { type Call, type Reply, stage } from './scripted-ebay.ts';

const base = '/commerce/notification/v1';
const url = 'https://sync.example.com/hooks/ebay-shop/s3cret';
const token = 'verification_token-0123456789abcdef';

interface Row {
  id: string;
  body: Record<string, unknown>;
}

/** A keyset that behaves as EBAY-3 tells: config first, challenge during the call, ids in Location. */
interface Keyset {
  alertEmail: string | null;
  topics: Record<string, unknown>[];
  destinations: Row[];
  subscriptions: Row[];
  changes: string[];
  /** Answers of the channel to the challenges that the keyset made. */
  challenged: string[];
  location: boolean;
  challenge: ((endpoint: string) => Promise<string>) | null;
}

const salesTopic = {
  topicId: 'ORDER_CONFIRMATION',
  scope: 'USER',
  status: 'ENABLED',
  supportedPayloads: [
    { format: ['JSON'], schemaVersion: '1.9', deliveryProtocol: 'HTTPS' },
    { format: ['JSON'], schemaVersion: '1.10', deliveryProtocol: 'HTTPS' },
    { format: ['JSON'], schemaVersion: '2.0', deliveryProtocol: 'HTTPS', deprecated: true },
  ],
};
const appTopic = { ...salesTopic, topicId: 'AUTHORIZATION_REVOCATION', scope: 'APPLICATION' };

function keyset(change: Partial<Keyset> = {}): Keyset {
  return {
    alertEmail: null,
    topics: [salesTopic, appTopic, { topicId: 'FEEDBACK_LEFT', scope: 'USER' }],
    destinations: [],
    subscriptions: [],
    changes: [],
    challenged: [],
    location: true,
    challenge: null,
    ...change,
  };
}

const refused = (status: number, errorId: number): Reply => ({ status, json: { errors: [{ errorId }] } });

function serve(state: Keyset) {
  return (call: Call): Reply | undefined => {
    if (!call.path.startsWith(base)) return undefined;
    const [, kind = '', id, verb] = call.path.slice(base.length).split('/');
    const as = call.headers.authorization === 'Bearer token-app' ? 'app' : 'user';
    if (call.method !== 'GET')
      state.changes.push(`${call.method} ${kind}${verb === undefined ? '' : ` ${verb}`} ${as}`);
    const body = (call.body === '' ? {} : call.body) as Record<string, unknown>;
    if (kind === 'topic') return { json: { topics: state.topics, total: state.topics.length } };
    if (kind === 'config') {
      if (call.method === 'GET')
        return state.alertEmail === null ? refused(404, 195026) : { json: { alertEmail: state.alertEmail } };
      state.alertEmail = String(body['alertEmail']);
      return { status: 204 };
    }
    if (kind === 'destination') return destination(state, call, { id, body });
    return subscription(state, call, { id, verb, body, as });
  };
}

function destination(
  state: Keyset,
  call: Call,
  { id, body }: { id: string | undefined; body: Record<string, unknown> },
): Reply {
  if (call.method === 'GET') {
    return {
      json: { destinations: state.destinations.map((row) => ({ destinationId: row.id, ...row.body })) },
    };
  }
  if (state.alertEmail === null) return refused(409, 195003);
  if (call.method === 'DELETE') {
    if (state.subscriptions.some((row) => row.body['destinationId'] === id)) return refused(409, 195024);
    state.destinations = state.destinations.filter((row) => row.id !== id);
    return { status: 204 };
  }
  if (id !== undefined) {
    const row = state.destinations.find((each) => each.id === id);
    if (row === undefined) return refused(404, 195014);
    row.body = body;
    return { status: 204 };
  }
  const made = `d-${state.destinations.length + 1}`;
  state.destinations.push({ id: made, body });
  return { status: 201, headers: state.location ? { location: `https://x${base}/destination/${made}` } : {} };
}

function subscription(
  state: Keyset,
  call: Call,
  {
    id,
    verb,
    body,
    as,
  }: { id: string | undefined; verb: string | undefined; body: Record<string, unknown>; as: string },
): Reply {
  if (call.method === 'GET') {
    const rows = state.subscriptions.filter((row) => row.body['as'] === as);
    return { json: { subscriptions: rows.map((row) => ({ subscriptionId: row.id, ...row.body })) } };
  }
  const row = state.subscriptions.find((each) => each.id === id);
  if (call.method === 'DELETE') {
    state.subscriptions = state.subscriptions.filter((each) => each !== row);
    return { status: 204 };
  }
  if (verb === 'enable' && row !== undefined) {
    row.body['status'] = 'ENABLED';
    return { status: 204 };
  }
  const scope = state.topics.find((topic) => topic['topicId'] === body['topicId'])?.['scope'];
  if ((scope === 'APPLICATION') !== (as === 'app')) return refused(403, 195011);
  if (state.subscriptions.some((each) => each.body['topicId'] === body['topicId']))
    return refused(409, 195012);
  const made = `s-${state.subscriptions.length + 1}`;
  state.subscriptions.push({ id: made, body: { ...body, as } });
  return {
    status: 201,
    headers: state.location ? { location: `https://x${base}/subscription/${made}` } : {},
  };
}

async function ensured(channel: Channel, at = url) {
  const { webhooks } = channel;
  if (webhooks === undefined) throw new Error('no webhooks');
  return await webhooks.ensure(at, calm);
}

describe('registering at eBay', () => {
  test('sets the alert address, makes destination and subscriptions in this order with the right tokens, and enables them', async () => {
    const state = keyset();
    const { channel } = await stage(serve(state));
    const report = await ensured(channel);
    expect(state.changes).toEqual([
      'PUT config app',
      'POST destination app',
      'POST subscription user',
      'POST subscription enable user',
      'POST subscription app',
      'POST subscription enable app',
    ]);
    expect(state.alertEmail).toBe('invsync@sync.example.com');
    expect(state.destinations[0]?.body).toEqual({
      name: 'invsync ebay-shop',
      status: 'ENABLED',
      deliveryConfig: { endpoint: url, verificationToken: token },
    });
    expect(state.subscriptions[0]?.body['payload']).toEqual({
      format: 'JSON',
      schemaVersion: '1.10',
      deliveryProtocol: 'HTTPS',
    });
    expect(
      report.webhooks.map(({ topic, status, ours, url: where }) => [topic, status, ours, where]),
    ).toEqual([
      ['ORDER_CONFIRMATION', 'active', true, url],
      ['AUTHORIZATION_REVOCATION', 'active', true, url],
    ]);
    expect(JSON.stringify(report)).not.toContain(token);
  });

  test('a second time changes nothing, also from another process', async () => {
    const state = keyset();
    const { channel, reopen } = await stage(serve(state));
    await ensured(channel);
    state.changes = [];
    expect((await ensured(channel)).changes).toEqual([]);
    expect((await ensured(reopen())).changes).toEqual([]);
    expect(state.changes).toEqual([]);
  });

  test('lets the listener answer the challenge that comes during the call', async () => {
    const state = keyset();
    const seen: string[] = [];
    const opened = await stage((call) => {
      if (call.method === 'POST' && call.path === `${base}/destination`) {
        const receipt = opened.channel.receive(
          hook({ method: 'GET', path: '/s3cret', query: 'challenge_code=abc' }),
        );
        if (receipt.kind === 'handshake') seen.push(receipt.body);
      }
      return serve(state)(call);
    });
    await ensured(opened.channel);
    const challengeResponse = createHash('sha256').update(`abc${token}${url}`).digest('hex');
    expect(seen).toEqual([JSON.stringify({ challengeResponse })]);
    const other = await received(
      opened.reopen(),
      hook({ method: 'GET', path: '/s3cret', query: 'challenge_code=abc' }),
    );
    expect(other).toMatchObject({ kind: 'handshake', body: seen[0] });
  });

  test('finds the ids by listing when answers carry no Location', async () => {
    const state = keyset({ location: false });
    const { channel } = await stage(serve(state));
    expect((await ensured(channel)).webhooks.map(({ status }) => status)).toEqual(['active', 'active']);
  });

  test.each([
    ['that eBay marked down', { status: 'MARKED_DOWN' }, /marked it down/],
    ['that was disabled', { status: 'DISABLED' }, /disabled/],
    [
      'at an old address',
      { deliveryConfig: { endpoint: 'https://old.example.com/hooks/ebay-shop/x' } },
      /another address/,
    ],
  ])('mends a destination %s, and says so', async (_, change, words) => {
    const state = keyset();
    const { channel } = await stage(serve(state));
    await ensured(channel);
    const [row] = state.destinations;
    if (row === undefined) throw new Error('no destination');
    row.body = { ...row.body, ...change };
    const broken = await channel.webhooks?.list(calm);
    if ('status' in change) expect(broken?.map(({ status }) => status)).toEqual(['disabled', 'disabled']);
    const report = await ensured(channel);
    expect(report.changes).toEqual([expect.stringMatching(words)]);
    expect(report.webhooks.map(({ status, url: where }) => [status, where])).toEqual([
      ['active', url],
      ['active', url],
    ]);
    expect(state.destinations.length).toBe(1);
  });

  test('sends a changed verification token', async () => {
    const state = keyset();
    const { channel, reopen } = await stage(serve(state));
    await ensured(channel);
    const fresh = 'another_token_0123456789_abcdefghij';
    const report = await ensured(reopen({ verification_token: fresh }));
    expect(report.changes).toEqual([expect.stringMatching(/token/)]);
    expect(state.destinations[0]?.body['deliveryConfig']).toEqual({
      endpoint: url,
      verificationToken: fresh,
    });
  });

  test('enables a subscription that was switched off', async () => {
    const state = keyset();
    const { channel } = await stage(serve(state));
    await ensured(channel);
    const [row] = state.subscriptions;
    if (row !== undefined) row.body['status'] = 'DISABLED';
    expect((await ensured(channel)).changes).toEqual([expect.stringMatching(/ORDER_CONFIRMATION/)]);
  });

  test('of a keyset without the sales topic is refused with the way out', async () => {
    const state = keyset({ topics: [appTopic] });
    const { channel } = await stage(serve(state));
    await expect(ensured(channel)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/webhooks: false/),
    });
    expect(state.changes).toEqual([]);
  });

  test('goes on without an optional topic that the consent does not cover', async () => {
    const state = keyset({
      topics: [salesTopic, { ...salesTopic, topicId: 'ITEM_MARKED_SHIPPED', scope: 'APPLICATION' }],
    });
    const script = serve(state);
    const { channel } = await stage((call) =>
      call.method === 'POST' && (call.body as { topicId?: string }).topicId === 'ITEM_MARKED_SHIPPED'
        ? refused(403, 195011)
        : script(call),
    );
    const report = await ensured(channel);
    expect(report.webhooks.map(({ topic }) => topic)).toEqual(['ORDER_CONFIRMATION']);
    expect((await ensured(channel)).changes).toEqual([]);
  });

  test.each([
    [195020, /daemon must run/],
    [195017, /https with a public name/],
  ])('refused with %i tells what to mend', async (errorId, hint) => {
    const script = serve(keyset());
    const { channel } = await stage((call) =>
      call.method === 'POST' && call.path === `${base}/destination` ? refused(400, errorId) : script(call),
    );
    await expect(ensured(channel)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(hint),
    });
  });

  test('without the scope for it is refused in words and does not look like refused credentials', async () => {
    const script = serve(keyset());
    const { channel } = await stage((call) =>
      call.path.endsWith('/subscription') ? refused(403, 1100) : script(call),
    );
    await expect(ensured(channel)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/scope/),
    });
  });

  test('without a verification token is refused in words', async () => {
    const { channel } = await stage(serve(keyset()), { config: { verification_token: undefined } });
    await expect(ensured(channel)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/verification_token/),
    });
  });

  test('takes back a subscription of the application that the seller’s list shows too', async () => {
    const state = keyset();
    const script = serve(state);
    const { channel } = await stage((call) => {
      const isApp = call.headers.authorization === 'Bearer token-app';
      const foreign = state.subscriptions.find(
        ({ id, body }) => call.path.endsWith(id) && (body['as'] === 'app') !== isApp,
      );
      if (call.method === 'DELETE' && foreign !== undefined) return refused(403, 195011);
      if (call.method !== 'GET' || !call.path.endsWith('/subscription')) return script(call);
      return {
        json: { subscriptions: state.subscriptions.map(({ id, body }) => ({ subscriptionId: id, ...body })) },
      };
    });
    await ensured(channel);
    expect((await channel.webhooks?.remove(calm))?.length).toBe(2);
    expect(state.subscriptions).toEqual([]);
    expect(state.destinations).toEqual([]);
  });

  test('leaves other people’s destinations and subscriptions alone, and takes ours back without a trace', async () => {
    const theirs = {
      name: 'other',
      status: 'ENABLED',
      deliveryConfig: { endpoint: 'https://other.example.com/x' },
    };
    const state = keyset({
      alertEmail: 'ops@example.com',
      destinations: [{ id: 'd-theirs', body: theirs }],
      subscriptions: [
        {
          id: 's-theirs',
          body: { topicId: 'FEEDBACK_LEFT', status: 'ENABLED', destinationId: 'd-theirs', as: 'user' },
        },
      ],
    });
    const { channel } = await stage(serve(state));
    await ensured(channel);
    expect(state.alertEmail).toBe('ops@example.com');
    const before = await channel.webhooks?.list(calm);
    expect(before?.filter(({ ours }) => !ours)).toMatchObject([{ id: 's-theirs', topic: 'FEEDBACK_LEFT' }]);
    expect((await channel.webhooks?.remove(calm))?.length).toBe(2);
    expect(await channel.webhooks?.remove(calm)).toEqual([]);
    expect(state.destinations.map(({ id }) => id)).toEqual(['d-theirs']);
    expect(state.subscriptions.map(({ id }) => id)).toEqual(['s-theirs']);
  });
});
