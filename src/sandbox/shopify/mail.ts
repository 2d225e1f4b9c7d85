import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Sends webhook calls. */
export interface Mail {
  /** Status of the answer; 0 when there was none: refused, too slow, cut. Never throws. */
  post(uri: string, headers: Record<string, string>, body: Buffer): Promise<number>;
  stop(): void;
}

/**
 * Dossier 2.5: connect within one second, answer within five. Both measure the receiver's machine, which runs no
 * faster when the platform's clock does, so the time scale does not divide them.
 */
const connectMs = 1000;
const answerMs = 5000;

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** True for `http://` and `https://` addresses on this machine, the only ones the sandbox ever calls. */
export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const url = new URL(uri);
  return /^https?:$/.test(url.protocol) && loopback.has(url.hostname);
}

export function createMail(): Mail {
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
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
          clearTimeout(answerTimer);
          clearTimeout(connectTimer);
          open.delete(cut);
          resolve(status);
        };
        const cut = () => {
          call.destroy();
          finish(0);
        };
        const answerTimer = setTimeout(cut, answerMs);
        const connectTimer = setTimeout(cut, connectMs);
        open.add(cut);
        call.on('socket', (socket) => {
          if (!socket.connecting) clearTimeout(connectTimer);
          else socket.once('connect', () => clearTimeout(connectTimer));
        });
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
