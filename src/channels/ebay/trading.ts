import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError, stopped } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { clockOf } from '../kit/retry-after.ts';
import { AdaptivePace, type Priority } from '../kit/was/pace.ts';
import type { EbayConfig } from './config.ts';
import { type Effect, failureOf, Refusal, short, unclear } from './failures.ts';
import { createLimitRest } from './limit-rest.ts';
import { sites } from './sites.ts';
import type { Tokens } from './tokens.ts';
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

/** An answer whatever its Ack; `Warning` counts as success (EBAY-9.30). */
export interface TradingAnswer<T> {
  ack: 'Success' | 'Warning' | 'PartialFailure' | 'Failure';
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

const Envelope = z.looseObject({
  Ack: z.enum(['Success', 'Warning', 'PartialFailure', 'Failure']),
  Errors: many(TradingError),
});

/** From EBAY-1.4: the documentation stands at this version. */
const level = '1451';
const intervalMs = 100;
/** Token trouble, limits and internal errors (EBAY-5.2; code meanings from third parties, last verified 2026-11). */
const tokenCodes = new Set([931, 932, 16110, 17470, 21916984, 21917053]);
const limitCodes = new Set([518, 218050, 218053, 218054]);
const internalCodes = new Set([10007, 20003, 2191]);

/** Adds the token by header, names site and version, renews a refused token once. */
export function createTrading(
  config: EbayConfig,
  deps: ChannelDeps,
  means: { http: HttpClient; tokens: Tokens },
): Trading {
  const { http, tokens } = means;
  const pace = new AdaptivePace(deps.clock, { intervalMs });
  const limitRest = createLimitRest();
  const url = config.trading_url ?? `${deps.baseUrl ?? 'https://api.ebay.com'}/ws/api.dll`;
  const { siteId, locale } = sites[config.marketplace];

  const send = (call: TradingCall<unknown>, token: string, signal: AbortSignal): Promise<HttpAnswer> =>
    http(
      {
        method: 'POST',
        url,
        headers: {
          'content-type': 'text/xml',
          accept: 'text/xml',
          'accept-language': locale,
          'x-ebay-api-call-name': call.name,
          'x-ebay-api-siteid': String(siteId),
          'x-ebay-api-compatibility-level': level,
          'x-ebay-api-iaf-token': token,
        },
        body: `<?xml version="1.0" encoding="utf-8"?><${call.name}Request xmlns="urn:ebay:apis:eBLBaseComponents">${call.body}</${call.name}Request>`,
      },
      signal,
    );

  const read = <T>(call: TradingCall<T>, answer: HttpAnswer): TradingAnswer<T> | 'token refused' => {
    try {
      return readAnswer(call, answer);
    } catch (error) {
      throw error instanceof ChannelError && error.kind === 'throttled' ? limitRest.timed(error) : error;
    }
  };

  return {
    async call(call, signal) {
      const token = await tokens.current('user', signal);
      await pace.acquire(1, call.priority ?? 'read', signal);
      if (signal.aborted) throw stopped();
      let answer = read(call, await send(call, token, signal));
      if (answer === 'token refused') {
        const fresh = await tokens.afterRefusal('user', token, signal);
        answer = read(call, await send(call, fresh, signal));
      }
      if (answer !== 'token refused') {
        pace.succeeded();
        limitRest.ended();
        return answer;
      }
      throw new ChannelError('auth', `${call.name}: eBay refuses the token`, {
        hint: 'consent again in the browser; set refresh_token and refresh_token_created',
      });
    },
  };
}

function readAnswer<T>(call: TradingCall<T>, answer: HttpAnswer): TradingAnswer<T> | 'token refused' {
  if (answer.status === 401) return 'token refused';
  const root = rootOf(call, answer);
  const envelope = Envelope.safeParse(root);
  if (!envelope.success) {
    throw (
      failureOf(answer, call.name, call.effect) ??
      unclear(call.effect, `${call.name}: the answer is not readable`)
    );
  }
  const errors = envelope.data.Errors.filter((error) => error.SeverityCode !== 'Warning');
  const ack = envelope.data.Ack;
  if (ack === 'Failure' || ack === 'PartialFailure') {
    if (errors.some((error) => tokenCodes.has(error.ErrorCode))) return 'token refused';
    const failure = breakdownOf(call, errors);
    if (failure !== null) throw failure;
  }
  const { askedAt, answeredAt } = answer;
  const data = call.data.safeParse(root);
  if (!data.success && ack !== 'Failure') {
    const where = data.error.issues[0]?.path.join('.') || 'its root';
    throw unclear(call.effect, `${call.name}: the answer has an unknown shape at ${where}`);
  }
  return { ack, errors, data: data.data ?? null, askedAt, answeredAt, channelClock: clockOf(answer) };
}

function rootOf(call: TradingCall<unknown>, answer: HttpAnswer): unknown {
  try {
    const tree = parseXml(answer.body, answerLimits);
    return z.looseObject({}).safeParse(tree).data?.[`${call.name}Response`];
  } catch {
    return undefined;
  }
}

function breakdownOf(call: TradingCall<unknown>, errors: readonly TradingError[]): ChannelError | null {
  const text = `${call.name}: ${wordsOfErrors(errors)}`;
  if (errors.some((error) => limitCodes.has(error.ErrorCode))) {
    return new ChannelError('throttled', text, {
      hint: 'the call limit of the XML API is reached; invsync waits',
    });
  }
  return errors.some((error) => internalCodes.has(error.ErrorCode)) ? unclear(call.effect, text) : null;
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
    ids: answer.errors.map((error) => error.ErrorCode),
    hint: 'run: invsync check',
  });
}
