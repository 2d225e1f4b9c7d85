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

/** Refused before the request was sent: the certificate is signed by nobody that Node knows. */
const unknownIssuer = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
/** Refused before the request was sent: a sound issuer, the wrong certificate. */
const wrongCertificate: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'renew it',
  CERT_NOT_YET_VALID: 'set the clocks of both machines by NTP',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use the name that it is made for, or get one for this name',
};

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
      const remedy = certificateRemedy(code);
      if (remedy !== null) {
        throw new ChannelError('retry', `cannot trust the certificate of ${host}: ${code}`, {
          hint: remedy,
          cause: error,
        });
      }
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : code || messageOf(error);
      throw new ChannelError('unknown', `${wanted.method} ${host}: ${why}`, { cause: error });
    }
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

/** What to do about a certificate that was refused; null for every other failure. */
function certificateRemedy(code: string): string | null {
  if (unknownIssuer.has(code)) {
    return 'its issuer is unknown here (self-signed, or an incomplete chain): have the server send its whole chain, or start invsync with NODE_EXTRA_CA_CERTS=/path/to/that-issuer.pem in the environment';
  }
  return wrongCertificate[code] ?? null;
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
