import { obeyWrite } from '../kit/ground.ts';
import type { Random } from '../kit/random.ts';
import type { WriteRecord } from '../kit/records.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Auth } from './auth.ts';
import { iso } from './order-view.ts';
import type { Quotas } from './quota.ts';
import type { Counter, State } from './state.ts';
import { requestError, type TradingCall, type TradingError, type TradingResult } from './trading-calls.ts';
import { element, nodeAt, nodesAt, parseXml, textAt, type XmlNode } from './xml.ts';

const writesStock = 'ReviseInventoryStatus';
const namespace = ' xmlns="urn:ebay:apis:eBLBaseComponents"';

/** EBAY-5.2: any of these says that the token is no good. */
const tokenCodes = [931, 932, 21916984, 21917053] as const;

/** EBAY-5.2: any of these says that too many calls were made. */
const limitCodes = [218050, 218053, 218054] as const;

interface Deps {
  state: State;
  auth: Auth;
  quotas: Quotas;
  calls: Readonly<Record<string, TradingCall>>;
  /** A sale slips in before the write, if that fault is due. */
  disturb(counters: Counter[]): void;
}

/** `POST /ws/api.dll` (EBAY-1.4 and EBAY-5.2). Almost everything is HTTP 200; null: the connection is cut. */
export function createTrading(deps: Deps): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const { state, auth, quotas, calls } = deps;
  const random = state.random.fork('trading');
  const { faults } = state;

  const answer = (name: string, result: TradingResult) => answerOf(name, result, iso(state.now()));
  const wrong = (name: string, code: number, long: string): ShopAnswer =>
    answer(name, { content: [], errors: [requestError(code, long)] });

  /** What fails before anything is done. */
  const early = (name: string): ShopAnswer | 'cut' | null => {
    if (faults.hits('timeout')) return 'cut';
    if (faults.hits('error_500')) return outageOf(random);
    if (faults.hits('throttle') || !quotas.take('trading')) {
      return wrong(name, random.pick(limitCodes), 'Your application has exceeded usage limit on this call.');
    }
    return null;
  };

  const refusal = (request: ShopRequest, name: string): ShopAnswer | null => {
    const { headers } = request;
    auth.desk.strike();
    if (auth.grantOf(headers['x-ebay-api-iaf-token'])?.kind !== 'user') {
      return wrong(name, random.pick(tokenCodes), 'The supplied token is invalid or has expired.');
    }
    if (!/^\d+$/.test(headers['x-ebay-api-siteid'] ?? ''))
      return wrong(name, 10_012, 'Invalid or missing site id.');
    if (!/^\d{3,4}$/.test(headers['x-ebay-api-compatibility-level'] ?? '')) {
      return wrong(name, 10_009, 'Invalid or missing compatibility level.');
    }
    return null;
  };

  const run = (name: string, call: TradingCall, node: XmlNode): TradingResult => {
    if (name === writesStock) deps.disturb(named(state, node));
    const result = call(node);
    // Warnings about something else are no failure (EBAY-9.30).
    if (name === writesStock && result.errors.length === 0 && random.chance(0.1)) {
      const text = 'Return Policy Attribute Not Valid. The attribute is ignored on this site.';
      return { ...result, errors: [{ ...requestError(21920200, text), severity: 'Warning' }] };
    }
    return result;
  };

  return async (request) => {
    const name = request.headers['x-ebay-api-call-name'] ?? '';
    const failing = early(name);
    if (failing === 'cut') return null;
    if (failing !== null) return failing;
    const refused = refusal(request, name);
    if (refused !== null) return refused;
    const call = calls[name];
    if (call === undefined)
      return wrong(name, 2, 'Unsupported API call. The API call is invalid or not supported.');
    const parsed = parseXml(request.body.toString('utf8'));
    if (parsed === null || !(`${name}Request` in parsed)) {
      return wrong(name, 5, 'XML Parse error. The request is not the XML of this call.');
    }
    const node = nodeAt(parsed, `${name}Request`);
    if (name !== writesStock) return answer(name, run(name, call, node));
    const writes: WriteRecord[] = [];
    const obey = () => {
      const result = run(name, call, node);
      writes.push(...(result.writes ?? []));
      return answer(name, result);
    };
    return obeyWrite(state, { run: obey, failure: () => outageOf(random), writes });
  };
}

function named(state: State, node: XmlNode): Counter[] {
  return nodesAt(node, 'InventoryStatus').flatMap((row) => {
    const counters = state.listings.get(textAt(row, 'ItemID') ?? '')?.counters ?? [];
    const sku = textAt(row, 'SKU');
    return counters.filter((counter) => sku === null || counter.sku === sku);
  });
}

function outageOf(random: Random): ShopAnswer {
  return {
    status: random.pick([500, 503]),
    headers: { 'content-type': 'text/html' },
    body: '<html><body>Internal Server Error</body></html>',
  };
}

function answerOf(name: string, { content, errors, partly }: TradingResult, timestamp: string): ShopAnswer {
  const failed = errors.some(({ severity }) => severity === 'Error');
  const ack = failed ? (partly ? 'PartialFailure' : 'Failure') : errors.length > 0 ? 'Warning' : 'Success';
  const body = element(
    `${name}Response`,
    [
      element('Timestamp', timestamp),
      element('Ack', ack),
      ...errors.map(errorElement),
      element('Version', '1451'),
      element('Build', 'E1451_CORE_APISELLINGIO_19284192_R1'),
      ...content,
    ],
    namespace,
  );
  return {
    status: 200,
    headers: { 'content-type': 'text/xml;charset=utf-8' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
  };
}

/** The container as XML. */
function errorElement(error: TradingError): string {
  const parameters = Object.entries(error.subject).map(([name, value]) =>
    element('ErrorParameters', [element('Value', value)], ` ParamID="${name}"`),
  );
  return element('Errors', [
    element('ShortMessage', error.short),
    element('LongMessage', error.long),
    element('ErrorCode', String(error.code)),
    element('SeverityCode', error.severity),
    ...parameters,
    element('ErrorClassification', error.classification),
  ]);
}
