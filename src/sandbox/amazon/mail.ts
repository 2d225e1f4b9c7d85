import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Posts to subscribed endpoints. */
export interface Mail {
  /** Status of the answer; 0 when there was none: refused, too slow, cut. Follows no redirect. Never throws. */
  post(uri: string, headers: Record<string, string>, body: Buffer): Promise<number>;
  stop(): void;
}

/** The platform's patience (dossier 2.7). It measures the receiver's machine, so the time scale does not divide it. */
const answerMs = 15_000;
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** True for addresses on this machine, the only ones that the sandbox ever calls. */
function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return (protocol === 'http:' || protocol === 'https:') && loopback.has(hostname);
}

export function createMail(): Mail {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const open = new Set<() => void>();
  return {
    post: (uri, headers, body) =>
      new Promise((resolve) => {
        if (!isLoopback(uri)) return resolve(0);
        const secure = uri.startsWith('https:');
        const call = (secure ? httpsRequest : httpRequest)(uri, {
          method: 'POST',
          headers: { ...headers, 'Content-Length': String(body.length) },
          ...(secure ? {} : { agent }),
        });
        const finish = (status: number) => {
          clearTimeout(timer);
          open.delete(cut);
          resolve(status);
        };
        const cut = () => {
          call.destroy();
          finish(0);
        };
        const timer = setTimeout(cut, answerMs);
        open.add(cut);
        call.on('response', (response) => {
          response.resume();
          response.on('error', () => finish(0));
          response.on('end', () => finish(response.statusCode ?? 0));
        });
        call.on('error', () => finish(0));
        call.end(body);
      }),
    stop() {
      for (const cut of [...open]) cut();
      agent.destroy();
    },
  };
}
