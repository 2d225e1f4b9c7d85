import type { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { type ChannelError, stopped } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import type { Priority } from '../kit/pace.ts';
import { type AimdLimits, type AimdPace, createAimdPace } from '../kit/was/aimd.ts';
import type { TikTokShopConfig } from './config.ts';
import { type Cure, type Effect, envelopeOf, failureOf, Refusal, unclear } from './failures.ts';
import { clockOf, type ServerClock } from './server-clock.ts';
import { queryString, signatureOf } from './sign.ts';
import type { Tokens } from './tokens.ts';

/** One request. `query` in clear text; `data` describes the envelope's `data`. */
export interface Call<T> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  data: z.ZodType<T>;
  /** `write` by default for PUT and DELETE; searches are POST and change nothing. */
  effect?: Effect;
  priority?: Priority;
  /** True for the few calls that refuse a shop's cipher (TTS-1.3). */
  isShopless?: true;
}

/** A good answer with the span of its request. */
export interface Answer<T> {
  data: T;
  askedAt: number;
  answeredAt: number;
  /** TikTok's clock when the request began, at the latest. */
  channelClock: number;
}

/** The signed interface of one shop. Throws nothing but `ChannelError`. */
export interface Api {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
}

/** How a shop's cipher is had. `forget` after it was refused. */
export interface Ciphers {
  current(signal: AbortSignal): Promise<string>;
  forget(): void;
}

const host = 'https://open-api.tiktokglobalshop.com';
/** TTS-6: where to begin. How far a shop may go is never told: the ceilings are ours. */
const writeLimits = { startPerSecond: 2, mostPerSecond: 20, burst: 4 };
const readLimits = { startPerSecond: 5, mostPerSecond: 20, burst: 10 };

/** A rate that the merchant knows is neither searched for nor left: refusals only make it rest. */
function limitsOf({ requests_per_second: known }: TikTokShopConfig, usual: AimdLimits): AimdLimits {
  if (known === undefined) return usual;
  return { ...usual, startPerSecond: known, mostPerSecond: known, leastPerSecond: known };
}

/** Adds token, cipher, time and signature to each attempt anew; mends each curable refusal once. */
export function createApi(
  config: TikTokShopConfig,
  deps: ChannelDeps,
  means: { http: HttpClient; tokens: Tokens; ciphers: Ciphers; serverClock: ServerClock },
): Api {
  const { tokens, ciphers, serverClock } = means;
  const paces: Record<Effect, AimdPace> = {
    write: createAimdPace(deps.clock, limitsOf(config, writeLimits)),
    read: createAimdPace(deps.clock, limitsOf(config, readLimits)),
  };
  const base = deps.baseUrl ?? host;
  /** A proxy may mount the interface below a path: that path is no part of what is signed. */
  const send = (parts: Parts, signal: AbortSignal): Promise<HttpAnswer> => {
    const query: Record<string, string> = {
      ...parts.call.query,
      app_key: config.app_key,
      timestamp: String(Math.floor(serverClock.now() / 1000)),
      ...(parts.cipher === null ? {} : { shop_cipher: parts.cipher }),
    };
    const sign = signatureOf({ path: parts.call.path, query, body: parts.body }, config.app_secret);
    return means.http(
      {
        method: parts.call.method,
        url: `${base}${parts.call.path}${queryString({ ...query, sign })}`,
        headers: { 'content-type': 'application/json', 'x-tts-access-token': parts.token },
        ...(parts.body === '' ? {} : { body: parts.body }),
      },
      signal,
    );
  };
  const mend = async (cure: Cure, at: { token: string; hasMoved: boolean }, signal: AbortSignal) => {
    if (cure === 'token') await tokens.afterRefusal(at.token, signal);
    else if (cure === 'cipher') ciphers.forget();
    return cure === 'clock' ? at.hasMoved : true;
  };

  return {
    async call(call, signal) {
      // Serialised once: the signature covers the very bytes that are sent.
      const body = call.body === undefined ? '' : JSON.stringify(call.body);
      const effect = effectOf(call);
      const mended = new Set<Cure>();
      for (;;) {
        const token = await tokens.current(signal);
        const cipher = call.isShopless === true ? null : await ciphers.current(signal);
        await paces[effect].acquire(1, call.priority ?? 'read', signal);
        if (signal.aborted) throw stopped();
        const answer = await send({ call, body, token, cipher }, signal);
        const hasMoved = serverClock.learn(answer);
        const failure = failureOf(answer, `${call.method} ${call.path}`, effect);
        if (failure === null) {
          paces[effect].succeeded();
          return readAnswer(call, answer, serverClock.now());
        }
        const cure = failure instanceof Refusal ? failure.cure : null;
        const isMended =
          cure !== null && !mended.has(cure) && (await mend(cure, { token, hasMoved }, signal));
        if (!isMended) throw paced(failure, paces[effect]);
        mended.add(cure);
      }
    },
  };
}

interface Parts {
  call: Call<unknown>;
  body: string;
  token: string;
  cipher: string | null;
}

function effectOf(call: Call<unknown>): Effect {
  return call.effect ?? (call.method === 'PUT' || call.method === 'DELETE' ? 'write' : 'read');
}

/** A refusal for the rate slows this side down too, and tells for how long. */
function paced(failure: ChannelError, pace: AimdPace): ChannelError {
  if (failure.kind !== 'throttled') return failure;
  const afterMs = pace.throttled(failure.afterMs ?? null);
  const code = failure instanceof Refusal ? failure.code : null;
  return new Refusal('throttled', failure.message, { code, hint: failure.hint, afterMs });
}

function readAnswer<T>(call: Call<T>, answer: HttpAnswer, now: number): Answer<T> {
  const data = call.data.safeParse(envelopeOf(answer)?.data);
  if (!data.success) {
    const where = data.error.issues[0]?.path.join('.') || 'its root';
    throw unclear(effectOf(call), `${call.method} ${call.path}: the answer has an unknown shape at ${where}`);
  }
  const { askedAt, answeredAt } = answer;
  const channelClock = clockOf(answer, now - (answeredAt - askedAt));
  return { data: data.data, askedAt, answeredAt, channelClock };
}
