import { describe, expect, test } from 'vitest';
import { signedHeaders } from '../../../src/channels/amazon/sigv4.ts';

const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
};
const now = Date.parse('2015-08-30T12:36:00Z');

function signature(request: Parameters<typeof signedHeaders>[0]): string {
  return signedHeaders(request, keys, now)['authorization'] ?? '';
}

describe('signature version 4', () => {
  const bare = { url: 'https://example.amazonaws.com/', headers: {}, body: '' };

  test('get-vanilla of the official test suite', () => {
    expect(signature({ ...bare, method: 'GET' })).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
  });

  test('post-vanilla of the official test suite', () => {
    expect(signature({ ...bare, method: 'POST' })).toContain(
      'Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  test('post-x-www-form-urlencoded of the official test suite, with a body and a header', () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(signature({ ...bare, method: 'POST', headers, body: 'Param1=value1' })).toContain(
      'SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    );
  });

  test('get-vanilla-query-order-key-case of the official test suite', () => {
    const url = 'https://example.amazonaws.com/?Param2=value2&Param1=value1';
    expect(signature({ ...bare, url, method: 'GET' })).toContain(
      'Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    );
  });

  test('every part that is signed changes the signature', () => {
    const post = { method: 'POST', url: 'https://q.example/', headers: { 'x-amz-target': 'A' }, body: '{}' };
    const all = [
      post,
      { ...post, method: 'PUT' },
      { ...post, url: 'https://q2.example/' },
      { ...post, headers: { 'x-amz-target': 'B' } },
      { ...post, body: '{ }' },
    ].map(signature);
    expect(new Set(all).size).toBe(all.length);
    expect(signedHeaders(post, keys, now + 1_000)['authorization']).not.toBe(all[0]);
  });
});
