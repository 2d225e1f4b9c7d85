import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** What became of one POST: an HTTP status, or 0 for no answer (refused, reset, timed out). */
export interface Posted {
  status: number;
  ms: number;
}

/** Posts a body, blocking, as `wp_safe_remote_request` does; follows no redirect. Never throws. */
export interface Sender {
  post(url: string, headers: Record<string, string>, body: string, timeoutMs: number): Promise<Posted>;
  /** Breaks off what is under way. */
  abort(): void;
}

/**
 * Deliveries to loopback addresses and odd ports are allowed here, as on the recorded shop; a stock WordPress refuses
 * private addresses and ports other than 80, 443 and 8080 (WOO-2.9).
 */
export function createSender(): Sender {
  const open = new Set<ClientRequest>();
  return {
    async post(url, headers, body, timeoutMs) {
      const startedAt = performance.now();
      const status = await send(open, url, headers, body, timeoutMs).catch(() => 0);
      return { status, ms: Math.round((performance.now() - startedAt) * 10) / 10 };
    },
    abort() {
      for (const request of open) request.destroy();
    },
  };
}

function send(
  open: Set<ClientRequest>,
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
): Promise<number> {
  return new Promise((resolve) => {
    const begin = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = begin(url, {
      method: 'POST',
      agent: false,
      headers: {
        'User-Agent': 'WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)',
        Accept: '*/*',
        'Accept-Encoding': 'deflate, gzip, br, zstd',
        ...headers,
        Connection: 'close',
        'Content-Length': String(Buffer.byteLength(body)),
      },
    });
    open.add(request);
    let status = 0;
    const timer = setTimeout(() => request.destroy(), timeoutMs);
    request.once('response', (response) => {
      response.resume();
      response.once('end', () => {
        status = response.statusCode ?? 0;
      });
      response.once('error', () => undefined);
    });
    request.once('error', () => undefined);
    request.once('close', () => {
      clearTimeout(timer);
      open.delete(request);
      resolve(status);
    });
    request.end(body);
  });
}
