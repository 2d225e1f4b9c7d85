import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** What a called address answered; status 0 when there was no answer: refused, too slow, cut. */
export interface Reply {
  status: number;
  contentType: string;
  body: string;
}

/** Calls addresses of others, on this machine only; follows no redirect. */
export interface Mail {
  /** Never throws. */
  send(call: {
    method: 'GET' | 'POST';
    uri: string;
    headers: Record<string, string>;
    body: Buffer;
  }): Promise<Reply>;
  stop(): void;
}

/**
 * How long a platform waits for its receiver. It measures the receiver's machine, which runs no faster when the
 * platform's clock does, so the time scale does not divide it.
 */
export interface Patience {
  answerMs: number;
  /** Default: as long as for the answer. */
  connectMs?: number;
  /** Calls under way at once. */
  sockets: number;
}

const longestReply = 64 * 1024;
const nothing: Reply = { status: 0, contentType: '', body: '' };
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** True for `http://` and `https://` addresses on this machine, the only ones the sandbox ever calls. */
export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const url = new URL(uri);
  return /^https?:$/.test(url.protocol) && loopback.has(url.hostname);
}

/** Opens a mail desk; `stop` cuts what is under way. */
export function createMail({ answerMs, connectMs = answerMs, sockets }: Patience): Mail {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets });
  const open = new Set<() => void>();
  return {
    send: ({ method, uri, headers, body }) =>
      new Promise((resolve) => {
        if (!isLoopback(uri)) return resolve(nothing);
        const secure = uri.startsWith('https:');
        const length = method === 'POST' ? { 'Content-Length': String(body.length) } : {};
        const call = (secure ? httpsRequest : httpRequest)(uri, {
          method,
          headers: { ...headers, ...length },
          ...(secure ? {} : { agent }),
        });
        const finish = (reply: Reply) => {
          clearTimeout(answerTimer);
          clearTimeout(connectTimer);
          open.delete(cut);
          resolve(reply);
        };
        const cut = () => {
          call.destroy();
          finish(nothing);
        };
        const answerTimer = setTimeout(cut, answerMs);
        const connectTimer = setTimeout(cut, connectMs);
        open.add(cut);
        call.on('socket', (socket) => {
          if (!socket.connecting) clearTimeout(connectTimer);
          else socket.once('connect', () => clearTimeout(connectTimer));
        });
        call.on('response', (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size <= longestReply) chunks.push(chunk);
          });
          response.on('error', () => finish(nothing));
          response.on('end', () =>
            finish({
              status: response.statusCode ?? 0,
              contentType: response.headers['content-type'] ?? '',
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        });
        call.on('error', () => finish(nothing));
        call.end(body);
      }),
    stop() {
      for (const cut of [...open]) cut();
      agent.destroy();
    },
  };
}
