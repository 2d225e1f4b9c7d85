import { describe, expect, test } from 'vitest';
import { amazon } from '../../../src/channels/amazon/index.ts';
import { ChannelError } from '../../../src/channels/errors.ts';
import { calm } from '../../kit/stage.ts';
import { configOf, item, refusal, scripted, secrets, shelf } from './scripted-amazon.ts';

const ref = { listingId: 'A', counterKey: 'A', channelSku: 'A', facts: null };
const shop = { searchListingsItems: shelf([item('A', 1)]) };

describe('access tokens', () => {
  test('are asked for once however many callers wait, and sent with the mandatory user agent', async () => {
    const { channel, of } = await scripted(shop);
    await Promise.all([1, 2, 3, 4].map(() => channel.readStock([ref], calm)));
    expect(of('token').length).toBe(1);
    const form = new URLSearchParams(of('token')[0]?.body);
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'Atzr|refresh-token-value',
      client_id: 'amzn1.application-oa2-client.test',
      client_secret: 'client-secret-value',
    });
    for (const { headers } of of('searchListingsItems')) {
      expect(headers['x-amz-access-token']).toBe('Atza|seller');
      expect(headers['user-agent']).toMatch(/^invsync\/[\d.]+ \(Language=TypeScript; Platform=Node\/\d+\)$/);
      expect(headers['authorization']).toBeUndefined();
    }
  });

  test('are renewed at four fifths of their life, before they end', async () => {
    const { channel, of, clock } = await scripted(shop);
    await channel.readStock([ref], calm);
    clock.pass(47 * 60_000);
    await channel.readStock([ref], calm);
    expect(of('token').length).toBe(1);
    clock.pass(2 * 60_000);
    await channel.readStock([ref], calm);
    expect(of('token').length).toBe(2);
  });

  test('are of two kinds, cached apart: destinations take the grantless one, subscriptions the seller’s', async () => {
    const { channel, of } = await scripted({
      getDestinations: [{ json: { payload: [] } }],
      getSubscription: [{ status: 404, json: refusal('NotFound', 'none') }],
    });
    await channel.webhooks?.list(calm);
    await channel.webhooks?.list(calm);
    expect(of('token').length).toBe(2);
    const scope = of('token').map(({ body }) => new URLSearchParams(body).get('scope'));
    expect(scope).toContain('sellingpartnerapi::notifications');
    expect(of('getDestinations')[0]?.headers['x-amz-access-token']).toBe('Atza|grantless');
    expect(of('getSubscription')[0]?.headers['x-amz-access-token']).toBe('Atza|seller');
  });

  test('a token that Amazon calls expired is renewed and the call sent once more; any other 403 is not', async () => {
    const expired = refusal(
      'Unauthorized',
      'Access to requested resource is denied.',
      'The access token you provided has expired.',
    );
    const first = await scripted({
      token: (_, count) => ({ json: { access_token: `Atza|${count}`, expires_in: 3_600 } }),
      searchListingsItems: (received, count) =>
        count === 0 ? { status: 403, json: expired } : shelf([item('A', 1)])(received),
    });
    expect((await first.channel.readStock([ref], calm))[0]?.shown).toBe(1);
    expect(first.of('token').length).toBe(2);
    const denied = await scripted({
      searchListingsItems: [
        { status: 403, json: refusal('Unauthorized', 'Access to requested resource is denied.') },
      ],
    });
    const error = await denied.channel.readStock([ref], calm).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'auth', hint: expect.stringContaining('role') });
    expect(denied.of('searchListingsItems').length).toBe(1);
  });

  test.each([
    [400, { error: 'invalid_grant', error_description: 'bad Atzr|refresh-token-value' }, 'auth', /authorize/],
    [401, { error: 'invalid_client' }, 'auth', /180 days/],
    [400, { error: 'unauthorized_client' }, 'auth', /another application/],
    [500, {}, 'retry', /^$/],
    [429, {}, 'throttled', /^$/],
    [200, { nothing: 1 }, 'retry', /^$/],
  ])('refused with %s %j is %s, in words without a secret', async (status, json, kind, hint) => {
    const { channel, of } = await scripted({ ...shop, token: [{ status, json }] });
    const error = await channel.readStock([ref], calm).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChannelError);
    expect(error).toMatchObject({ kind, hint: expect.stringMatching(hint) });
    for (const secret of secrets) expect(String(error)).not.toContain(secret);
    expect(of('searchListingsItems')).toEqual([]);
  });

  test('without an answer leave a push to be tried again: nothing was written', async () => {
    const { channel } = await scripted({ ...shop, token: ['hang up'] });
    const outcomes = await channel.setStock([{ ...ref, quantity: 1, base: null, key: 'k' }], calm);
    expect(outcomes).toMatchObject([{ kind: 'retry' }]);
  });
});

describe('the configuration', () => {
  test('takes exactly its keys, and hides its secrets', () => {
    const good = configOf('http://127.0.0.1:1');
    expect(amazon.config.safeParse(good).success).toBe(true);
    expect(amazon.config.safeParse({ ...good, sqs: undefined, sns: undefined }).success).toBe(true);
    expect(amazon.config.safeParse({ ...good, more: 1 }).success).toBe(false);
  });

  test.each([
    ['region', 'us'],
    ['marketplaces', []],
    ['marketplaces', ['DE']],
    ['token_url', 'http://evil.example/token'],
    ['sqs_endpoint', 'http://10.0.0.1'],
    ['cert_url_override', 'https://evil.example/cert.pem'],
    ['cert_url_override', 'http://192.168.0.1/'],
    ['sns', { topics: ['arn:aws:sqs:eu-west-1:123456789012:x'] }],
    ['sns', { topics: [] }],
    ['client_secret_created', 'yesterday'],
  ])('refuses %s: %j', (key, value) => {
    expect(amazon.config.safeParse({ ...configOf('http://127.0.0.1:1'), [key]: value }).success).toBe(false);
  });
});
