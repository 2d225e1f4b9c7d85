import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** What became of one POST: an HTTP status, or 0 for no answer (refused, reset, timed out). */
export interface Posted {
  status: number;
  ms: number;
}

/** Posts one body at a time, blocking, as `wp_safe_remote_request` does; follows no redirect. */
export interface Sender {
  post(url: string, headers: Record<string, string>, body: string, timeoutMs: number): Promise<Posted>;
  /** Breaks off what is under way. */
  abort(): void;
}

/**
 * Deliveries to loopback addresses and odd ports are allowed here, as on the recorded shop; a stock WordPress refuses
 * private addresses and ports other than 80, 443 and 8080 (dossier 2.9).
 */
export function createSender(): Sender {
  const open = new Set<ClientRequest>();
  return {
    post(url, headers, body, timeoutMs) {
      const startedAt = performance.now();
      return new Promise((resolve) => {
        const finish = (status: number) =>
          resolve({ status, ms: Math.round((performance.now() - startedAt) * 10) / 10 });
        const send = url.startsWith('https:') ? httpsRequest : httpRequest;
        const request = send(url, {
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
        const timer = setTimeout(() => request.destroy(), timeoutMs);
        request.once('response', (response) => {
          response.resume();
          response.once('end', () => finish(response.statusCode ?? 0));
          response.once('error', () => finish(0));
        });
        request.once('error', () => finish(0));
        request.once('close', () => {
          clearTimeout(timer);
          open.delete(request);
          finish(0);
        });
        request.end(body);
      });
    },
    abort() {
      for (const request of open) request.destroy();
    },
  };
}
