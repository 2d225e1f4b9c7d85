import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import type { Pace, Priority } from '../kit/pace.ts';
import { type Effect, Refusal, short, unclear } from '../kit/refusal.ts';
import { type Call, createRest } from '../kit/rest.ts';
import type { EbayConfig } from './config.ts';
import { failureOf } from './failures.ts';
import { sites } from './sites.ts';
import type { TokensOf } from './tokens.ts';
import { answerLimits, many, parseXml } from './xml.ts';

/** One call of the XML API. `body` is the content of the request element. */
export interface TradingCall<T> {
  name: string;
  body: string;
  data: z.ZodType<T>;
  effect: Effect;
  priority?: Priority;
}

const TradingError = z.object({
  ErrorCode: z.string().catch('0').transform(Number),
  ShortMessage: z.string().nullish(),
  LongMessage: z.string().nullish(),
  SeverityCode: z.string().nullish(),
  ErrorParameters: many(z.object({ Value: z.string().nullish() })),
});
/** One error of an answer: code, words, and the values that it names (item ids, SKUs). */
export type TradingError = z.infer<typeof TradingError>;

const Envelope = z.looseObject({
  Ack: z.enum(['Success', 'Warning', 'PartialFailure', 'Failure']),
  Errors: many(TradingError),
});
type Envelope = z.infer<typeof Envelope>;

/** An answer whatever its Ack; `Warning` counts as success (EBAY-9.30). */
export interface TradingAnswer<T> {
  ack: Envelope['Ack'];
  /** Errors only, no warnings. */
  errors: TradingError[];
  /** Null when the call failed and the answer holds nothing. */
  data: T | null;
  askedAt: number;
  answeredAt: number;
  channelClock: number;
}

/** The XML API of one channel. Throws `ChannelError` for tokens, limits and breakdowns; refusals are in the answer. */
export interface Trading {
  call<T>(call: TradingCall<T>, signal: AbortSignal): Promise<TradingAnswer<T>>;
}

/** From EBAY-1.4: the documentation stands at this version. */
const level = '1451';
/** Token trouble, limits and internal errors (EBAY-5.2; code meanings from third parties, last verified 2026-11). */
const tokenCodes = new Set([931, 932, 16110, 17470, 21916984, 21917053]);
const limitCodes = new Set([518, 218050, 218053, 218054]);
const internalCodes = new Set([10007, 20003, 2191]);

/** Adds the token by header, names site and version. */
export function createTrading(
  config: EbayConfig,
  deps: ChannelDeps,
  { http, tokens, pace }: { http: HttpClient; tokens: TokensOf; pace: Pace },
): Trading {
  const url = config.trading_url ?? `${deps.baseUrl ?? 'https://api.ebay.com'}/ws/api.dll`;
  const { siteId, locale } = sites[config.marketplace];
  // The path of a call is its name here.
  const rest = createRest<Call<unknown>>({
    http,
    failure: (answer, { call, effect }) => failureIn(answer, call.path, effect),
    content: (answer, call) => rootOf(answer, call.path),
    nameOf: ({ path }) => path,
    pace: () => pace,
    tokens: () => tokens.user,
    request: ({ path: name, body }, token) => ({
      method: 'POST',
      url,
      headers: {
        'content-type': 'text/xml',
        accept: 'text/xml',
        'accept-language': locale,
        'x-ebay-api-call-name': name,
        'x-ebay-api-siteid': String(siteId),
        'x-ebay-api-compatibility-level': level,
        'x-ebay-api-iaf-token': token,
      },
      body: `<?xml version="1.0" encoding="utf-8"?><${name}Request xmlns="urn:ebay:apis:eBLBaseComponents">${body}</${name}Request>`,
    }),
  });
  return {
    async call({ name, data, ...call }, signal) {
      const answer = await rest.call({ ...call, method: 'POST', path: name, data: Envelope }, signal);
      const { data: envelope, askedAt, answeredAt, channelClock } = answer;
      const { Ack: ack } = envelope;
      const read = data.safeParse(envelope);
      if (!read.success && ack !== 'Failure') {
        const where = read.error.issues[0]?.path.join('.') || 'its root';
        throw unclear(call.effect, `${name}: the answer has an unknown shape at ${where}`);
      }
      return { ack, errors: errorsIn(envelope), data: read.data ?? null, askedAt, answeredAt, channelClock };
    },
  };
}

function failureIn(answer: HttpAnswer, name: string, effect: Effect): Refusal | null {
  const envelope = Envelope.safeParse(rootOf(answer, name)).data;
  if (answer.status === 401) return tokenRefused(name, []);
  if (envelope === undefined)
    return failureOf(answer, name, effect) ?? unclear(effect, `${name}: the answer is not readable`);
  if (envelope.Ack === 'Success' || envelope.Ack === 'Warning') return null;
  const errors = errorsIn(envelope);
  const codes = errors.map((error) => error.ErrorCode);
  const told = `${name}: ${wordsOfErrors(errors)}`;
  if (codes.some((code) => tokenCodes.has(code))) return tokenRefused(name, codes);
  if (codes.some((code) => limitCodes.has(code))) {
    const hint = 'the call limit of the XML API is reached; invsync waits';
    return new Refusal('throttled', told, { codes, hint });
  }
  return codes.some((code) => internalCodes.has(code)) ? unclear(effect, told, { codes }) : null;
}

function tokenRefused(name: string, codes: readonly number[]): Refusal {
  return new Refusal('auth', `${name}: eBay refuses the token`, {
    codes,
    cure: 'token',
    hint: 'consent again in the browser; set refresh_token and refresh_token_created',
  });
}

function errorsIn(envelope: Envelope): TradingError[] {
  return envelope.Errors.filter((error) => error.SeverityCode !== 'Warning');
}

const known = new WeakMap<HttpAnswer, unknown>();

/** The response element; undefined when there is none. A page of listings is large: it is parsed once. */
function rootOf(answer: HttpAnswer, name: string): unknown {
  if (known.has(answer)) return known.get(answer);
  let root: unknown;
  try {
    root = z.looseObject({}).safeParse(parseXml(answer.body, answerLimits)).data?.[`${name}Response`];
  } catch {
    root = undefined;
  }
  known.set(answer, root);
  return root;
}

/** Codes and words of errors for people. */
export function wordsOfErrors(errors: readonly TradingError[]): string {
  const words = errors.map((error) =>
    `${error.ErrorCode} ${error.LongMessage ?? error.ShortMessage ?? ''}`.trim(),
  );
  return short(words.join('; ') || 'refused without a reason');
}

/** The data of an answer that must be good. */
export function wellAnswered<T>(call: string, answer: TradingAnswer<T>): T {
  if (answer.ack !== 'Failure' && answer.data !== null) return answer.data;
  throw new Refusal('rejected', `${call}: ${wordsOfErrors(answer.errors)}`, {
    status: 200,
    codes: answer.errors.map((error) => error.ErrorCode),
    hint: 'run: invsync check',
  });
}
