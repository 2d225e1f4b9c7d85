import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelError } from '../../src/channels/errors.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { metricsSamples } from '../../src/metrics.ts';
import { type AlertKind, alertLevels } from '../../src/store/store.ts';
import { park } from '../../src/sync/contact.ts';
import { refusalOf } from '../../src/sync/inbound/receive.ts';
import { makeWorld, type World } from '../sync/world.ts';

const promtool = spawnSync('promtool', ['--version']).status === 0;

let world: World;
let text: string;
beforeAll(async () => {
  world = await makeWorld();
  await world.stock('TEE', 5);
  const shop = world.platform('shop');
  const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
  const hook = shop.hookForOrder(order?.id ?? '');
  await world.deliver('shop', hook);
  await world.deliver('shop', hook, { 'x-memory-signature': 'f'.repeat(64) });
  await park(world.engine, world.live('shop'), new ChannelError('auth', 'no'));
  text = await createMetrics(() => metricsSamples(world.engine, world.receiver.counts())).text();
});
afterAll(() => world.close());

/** Samples of our own metrics: name with labels, and value. */
const samples = () =>
  text
    .split('\n')
    .filter((line) => line.startsWith('invsync_'))
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    });
const numberOf = (name: string) => samples().find(([each]) => each === name)?.[1];

describe('the metrics page', () => {
  test('explains and types every metric exactly once', () => {
    const families = new Set(
      samples().map(([name]) => name.replace(/\{.*$/, '').replace(/_(bucket|sum|count)$/, '')),
    );
    for (const family of families) {
      expect(text.split('\n').filter((line) => line.startsWith(`# HELP ${family} `))).toHaveLength(1);
      expect(text.split('\n').filter((line) => line.startsWith(`# TYPE ${family} `))).toHaveLength(1);
    }
    expect(new Set(samples().map(([name]) => name)).size).toBe(samples().length);
  });

  test('counts in base units, ends counters in _total and keeps labels short', () => {
    for (const line of text.split('\n').filter((each) => each.startsWith('# TYPE invsync_'))) {
      const [, , name = '', type] = line.split(' ');
      expect(name).not.toMatch(/_(ms|millis|minutes|hours|days|kb|mb)(_|$)/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
    }
    for (const [name] of samples()) {
      for (const [, value = ''] of name.matchAll(/="([^"]*)"/g)) expect(value).toMatch(/^[\w.+-]{1,40}$/);
    }
  });

  test('tells acknowledgements in seconds and refusals by channel and reason', () => {
    expect(text).toContain('# TYPE invsync_ack_seconds histogram');
    expect(numberOf('invsync_ack_seconds_count')).toBe('1');
    expect(numberOf('invsync_deliveries_refused_total{channel="shop",reason="bad_signature"}')).toBe('1');
  });

  test('has a series for every kind of alert, with those that stand', () => {
    for (const kind of Object.keys(alertLevels) as AlertKind[]) {
      const wanted = kind === 'channel_parked' ? '1' : '0';
      expect(numberOf(`invsync_alerts_open{kind="${kind}",level="${alertLevels[kind]}"}`)).toBe(wanted);
    }
  });

  test.each([
    ['the signature does not match', 'bad_signature'],
    ['wrong signature', 'bad_signature'],
    ['malformed signature', 'bad_signature'],
    ['the signing key is not one of eBay’s', 'bad_signature'],
    ['no signature', 'no_signature'],
    ['the signature is missing', 'no_signature'],
    ['the header x-date is missing', 'no_signature'],
    ['no webhook_secret is configured', 'not_configured'],
    ['server.public_url is not set: no signature can be checked', 'not_configured'],
    ['sent by another shop: https://x', 'other_account'],
    ['the topic is not among sns.topics', 'other_account'],
    ['the time stamp is too far from now', 'stale'],
    ['webhooks are sent by POST', 'method'],
    ['the body is empty', 'unreadable'],
  ])('puts the refusal "%s" under %s', (reason, label) => {
    expect(refusalOf(reason)).toBe(label);
  });

  test.skipIf(!promtool)('passes promtool check metrics (needs promtool on the path)', () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    const own = `${checked.stdout}${checked.stderr}`
      .split('\n')
      .filter((line) => line.startsWith('invsync_'));
    expect(own).toEqual([]);
  });
});
