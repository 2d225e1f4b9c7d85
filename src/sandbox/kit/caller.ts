import { Agent, request } from 'undici';

/** What a called address answered; status 0 when there was no answer: refused, too slow, cut. */
export interface Reply {
  status: number;
  contentType: string;
  body: string;
}

export interface OutgoingCall {
  method: 'GET' | 'POST';
  uri: string;
  headers: Record<string, string>;
  body: Buffer;
}

export type Caller = ReturnType<typeof createCaller>;

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
  /** Each call on a connection of its own. Default: they are kept. */
  connectionClose?: true;
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

/** Calls addresses of others, on this machine only; follows no redirect. */
export function createCaller({ answerMs, connectMs = answerMs, sockets, connectionClose }: Patience) {
  const agent = new Agent({
    connections: sockets,
    connect: { timeout: connectMs },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const open = new Set<AbortController>();
  return {
    /** Never throws. */
    async call({ method, uri, headers, body }: OutgoingCall): Promise<Reply> {
      if (!isLoopback(uri)) return nothing;
      const cut = new AbortController();
      const timer = setTimeout(() => cut.abort(), answerMs);
      open.add(cut);
      try {
        const answer = await request(uri, {
          method,
          headers,
          ...(method === 'POST' ? { body } : {}),
          signal: cut.signal,
          dispatcher: agent,
          reset: connectionClose === true,
        });
        const kept: Buffer[] = [];
        let size = 0;
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size <= longestReply) kept.push(chunk);
        }
        const text = Buffer.concat(kept).toString('utf8');
        return {
          status: answer.statusCode,
          contentType: String(answer.headers['content-type'] ?? ''),
          body: text,
        };
      } catch {
        return nothing;
      } finally {
        clearTimeout(timer);
        open.delete(cut);
      }
    },
    /** Cuts what is under way. */
    stop(): void {
      for (const cut of open) cut.abort();
      void agent.destroy();
    },
  };
}
