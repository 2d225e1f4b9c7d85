import { expect, test } from 'vitest';
import { grantIn } from '../../../src/channels/kit/oauth.ts';

/** What is to be done about a refused grant, as people read it. */
function hintFor(error: string): unknown {
  const body = Buffer.from(JSON.stringify({ error }));
  const reading = { who: 'Somebody', lifeMs: 1, secrets: [], hints: { expired: 'renew it' }, hint: 'look' };
  try {
    return grantIn({ status: 400, headers: {}, body, askedAt: 0, answeredAt: 0 }, reading);
  } catch (refused) {
    return (refused as { hint?: unknown }).hint;
  }
}

test('a refused grant tells what to do about its error, whatever name the platform gives to it', () => {
  expect(hintFor('expired')).toBe('renew it');
  expect(hintFor('another')).toBe('look');
  expect(hintFor('constructor')).toBe('look');
  expect(hintFor('')).toBe('look');
});
