import { Agent, request } from 'undici';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { ChannelError } from '../errors.ts';

/** A request to a platform. `query` is appended as given order; `body` is sent as is. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  timeoutMs?: number;
}

/** Any HTTP answer, whatever its status; header names are lower case, the last of a repeated header wins. */
export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  askedAt: number;
  answeredAt: number;
}

/** Sends one request, never follows redirects, never retries. Throws `ChannelError` kind `retry` when nothing was sent, `unknown` when it may have been. */
export type HttpClient = ((request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>) & {
  close(): Promise<void>;
};

const maxAnswerBytes = 32 * 1024 * 1024;
/** Errors that prove that the platform never saw the request. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** An HTTP client for one channel: own connection pool, own User-Agent, explicit time-outs and size limit. */
export function createHttpClient(options: {
  clock: Clock;
  timeoutMs: number;
  userAgent: string;
  maxConnections?: number;
}): HttpClient {
  const agent = new Agent({
    connections: options.maxConnections ?? 8,
    connect: { timeout: Math.min(10_000, options.timeoutMs) },
    pipelining: 1,
  });

  const send = async (wanted: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    const timeoutMs = wanted.timeoutMs ?? options.timeoutMs;
    const askedAt = options.clock.now();
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(wanted.url, {
        method: wanted.method,
        headers: { 'user-agent': options.userAgent, accept: 'application/json', ...wanted.headers },
        ...(wanted.body === undefined ? {} : { body: wanted.body }),
        dispatcher: agent,
        signal: AbortSignal.any([signal, timeout]),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const body = await readBody(answer.body);
      return {
        status: answer.statusCode,
        headers: plainHeaders(answer.headers),
        body,
        askedAt,
        answeredAt: options.clock.now(),
      };
    } catch (error) {
      if (error instanceof ChannelError) throw error;
      const code = codeOf(error);
      const host = new URL(wanted.url).host;
      if (neverSent.has(code)) {
        throw new ChannelError('retry', `cannot reach ${host}: ${code}`, {
          hint: `check that ${host} is up and reachable`,
          cause: error,
        });
      }
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : code || messageOf(error);
      throw new ChannelError('unknown', `${wanted.method} ${host}: ${why}`, { cause: error });
    }
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

async function readBody(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new ChannelError('retry', `answer larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) plain[name.toLowerCase()] = last;
  }
  return plain;
}

function codeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = (at as Error & { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return '';
}
