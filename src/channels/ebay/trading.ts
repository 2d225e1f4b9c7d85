import { z } from 'zod';
import type { HttpAnswer } from '../kit/http.ts';
import { type Effect, Refusal, unclear } from '../kit/refusal.ts';
import { type Call, createRest, type Dialect, type Rest } from '../kit/rest.ts';
import { type EbayConfig, sites } from './config.ts';
import { failureOf, faultOf, wordsOf } from './failures.ts';
import { answerXml, many } from './xml.ts';

/** What every answer of the XML API has besides its data; `Warning` counts as success (EBAY-9.30). */
export const Envelope = z.looseObject({
  Ack: z.enum(['Success', 'Warning', 'PartialFailure', 'Failure']),
  /** Errors only, no warnings. */
  Errors: many(
    z.object({
      ErrorCode: z.string().catch('0').transform(Number),
      ShortMessage: z.string().nullish(),
      LongMessage: z.string().nullish(),
      SeverityCode: z.string().nullish(),
    }),
  ).transform((rows) =>
    rows
      .filter((row) => row.SeverityCode !== 'Warning')
      .map((row) => faultOf(row.ErrorCode, row.LongMessage ?? row.ShortMessage)),
  ),
});

/** From EBAY-1.4: the documentation stands at this version. */
const level = '1451';
/** Token trouble, limits and internal errors (EBAY-5.2; code meanings from third parties, last verified 2026-11). */
const tokenCodes = [931, 932, 16110, 17470, 21916984, 21917053];
const limitCodes = [518, 218050, 218053, 218054];
const internalCodes = [10007, 20003, 2191];

/**
 * The XML API of one channel: the path of a call is its name, the body is the content of the request element. A refusal is
 * an answer to a write, which reads the envelope itself; a read that is refused throws like any other.
 */
export function createTrading(
  { trading_url: url, marketplace }: EbayConfig,
  origin: string,
  means: Pick<Dialect<Call<unknown>>, 'http' | 'pace' | 'tokens'>,
): Rest<Call<unknown>> {
  const { siteId, locale } = sites[marketplace];
  return createRest<Call<unknown>>({
    ...means,
    failure: (answer, { what, effect }) => failureIn(answer, what, effect),
    content: (answer, { path }) => rootOf(answer, path),
    nameOf: ({ path }) => path,
    request: ({ path: name, body }, token) => ({
      method: 'POST',
      url: url ?? `${origin}/ws/api.dll`,
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
}

function failureIn(answer: HttpAnswer, name: string, effect: Effect): Refusal | null {
  const envelope = Envelope.safeParse(rootOf(answer, name)).data;
  const isGood = envelope?.Ack === 'Success' || envelope?.Ack === 'Warning';
  const codes = isGood ? [] : (envelope?.Errors ?? []).map(({ code }) => code);
  const isOneOf = (some: readonly number[]): boolean => codes.some((code) => some.includes(code));
  if (answer.status === 401 || isOneOf(tokenCodes)) {
    const hint = 'consent again in the browser; set refresh_token and refresh_token_created';
    return new Refusal('auth', `${name}: eBay refuses the token`, { codes, cure: 'token', hint });
  }
  if (envelope === undefined)
    return failureOf(answer, name, effect) ?? unclear(effect, `${name}: the answer is not readable`);
  const told = `${name}: ${refusalWords(envelope)}`;
  if (isOneOf(limitCodes)) {
    const hint = 'the call limit of the XML API is reached; invsync waits';
    return new Refusal('throttled', told, { codes, hint });
  }
  if (isOneOf(internalCodes)) return unclear(effect, told, { codes });
  const isRefused = envelope.Ack === 'Failure' && effect === 'read';
  return isRefused ? new Refusal('rejected', told, { status: 200, codes, hint: 'run: invsync check' }) : null;
}

/** Why a call was refused, for people. */
export function refusalWords({ Errors }: z.infer<typeof Envelope>): string {
  return wordsOf(Errors) || 'refused without a reason';
}

/** The response element; undefined when there is none. */
function rootOf(answer: HttpAnswer, name: string): unknown {
  return z.looseObject({}).safeParse(answerXml(answer.body)).data?.[`${name}Response`];
}
