import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../../src/channels/kit/http.ts';
import { systemClock } from '../../../src/clock.ts';

const fixtures = join(import.meta.dirname, '..', 'amazon', 'fixtures');
const signal = new AbortController().signal;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('a request to a server that nobody vouches for', () => {
  test.each(['GET', 'POST'] as const)(
    'a %s was never sent, and the remedy names the variable that makes Node trust it',
    async (method) => {
      let requests = 0;
      const server = createServer(
        {
          key: readFileSync(join(fixtures, 'signing-key.pem')),
          cert: readFileSync(join(fixtures, 'signing-cert.pem')),
        },
        (_, response) => {
          requests += 1;
          response.end('{}');
        },
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const send = createHttpClient({ clock: systemClock, timeoutMs: 5_000, userAgent: 'test' });
      closers.push(send.close, async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
      await expect(send({ method, url }, signal)).rejects.toMatchObject({
        kind: 'retry',
        message: expect.stringMatching(/certificate of localhost/),
        hint: expect.stringMatching(/NODE_EXTRA_CA_CERTS=/),
      });
      expect(requests).toBe(0);
    },
  );
});
