import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/config/nearest.ts';
import { durationText, isLoopback, listenText, parseDuration, percentText } from '../../src/config/text.ts';
import { listenAddress, percentage } from '../../src/config/values.ts';

describe('durations', () => {
  test('are numbers with a unit', () => {
    const texts = ['500ms', '60s', '10m', '24h', '30d', '2w', '0s'];
    expect(texts.map(parseDuration)).toEqual([
      500, 60_000, 600_000, 86_400_000, 2_592_000_000, 1_209_600_000, 0,
    ]);
  });

  test.each(['60', 's', '-1s', '1.5h', '1 h 5', '1y', '', '9999999999d'])('are not: %s', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test('are written so that they read back as the same number', () => {
    fc.assert(fc.property(fc.nat(999_999_999), (ms) => parseDuration(durationText(ms)) === ms));
  });
});

describe('percentages', () => {
  test('become fractions, with and without the sign, as on the command line', () => {
    expect(['20%', '0%', '100%', '12.5%', 80].map((text) => percentage.parse(text))).toEqual([
      0.2, 0, 1, 0.125, 0.8,
    ]);
  });

  test('are never fractions in the file, since 0.2 could mean two things', () => {
    expect(percentage.safeParse(0.2).success).toBe(false);
  });

  test('are written without binary dust', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 100 }), (n) => percentText(n / 100) === `${n}%`));
  });
});

describe('addresses', () => {
  test.each(['127.0.0.1:8787', '[::1]:8788', 'localhost:0'])(
    'to listen on read back as written: %s',
    (text) => {
      expect(listenText(listenAddress.parse(text))).toBe(text);
    },
  );

  test.each(['localhost', '127.0.0.1', '127.9.9.9', '[::1]', '::1'])(
    'of this machine are loopback: %s',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  test.each(['0.0.0.0', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', '::'])(
    'of others are not: %s',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('the nearest known word', () => {
  const known = ['buffer', 'webhooks', 'poll', 'order_lag'];

  test.each([
    ['bufer', 'buffer'],
    ['webhoosk', 'webhooks'],
    ['POLL', 'poll'],
    ['orderlag', 'order_lag'],
  ])('to %s is %s', (typed, meant) => {
    expect(nearest(typed, known)).toBe(meant);
  });

  test('is nothing when no word is near', () => {
    expect(nearest('consumer_key', known)).toBeNull();
    expect(nearest('xy', known)).toBeNull();
  });
});
