import { hears } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { createSender } from '../kit/sender.ts';
import { platformMs } from '../kit/time.ts';
import type { Credentials } from './auth.ts';
import { uuid } from './auth.ts';
import { iso } from './order-view.ts';
import { newSigningKey, signatureHeader } from './signature.ts';
import { orderLineItemId, type SoapEvent, type SoapSubject, soapBody } from './soap.ts';
import type { Order, OrderLine, State } from './state.ts';

/** Where JSON notifications go (EBAY-2.5). Only the platform ever sets MARKED_DOWN. */
export interface Destination {
  id: string;
  name: string;
  endpoint: string;
  verificationToken: string;
  status: 'ENABLED' | 'DISABLED' | 'MARKED_DOWN';
  /** Notifications given up in a row, and since when none was acknowledged. */
  givenUp: number;
  failingSince: number | null;
}

/** One topic to one destination; there is one per topic and version. */
export interface Subscription {
  id: string;
  topicId: string;
  status: 'ENABLED' | 'DISABLED';
  destinationId: string;
  schemaVersion: string;
  createdAt: number;
}

/** What the merchant set for Platform Notifications (EBAY-2.6), and what became of them. */
function newSoap() {
  return {
    enabled: false,
    url: null as string | null,
    events: new Set<string>(),
    delivered: 0,
    failed: 0,
    /** At 1,000 the application is marked down. */
    failedInRow: 0,
  };
}

/** Everything that the platform tells by itself. */
export type Notifier = ReturnType<typeof createNotifier>;

/** Not published for this API: so many notifications given up in a row, or a day without an answer (EBAY-2.5). */
const givenUpInRow = 10;
const silentMs = 86_400_000;
const soapFailuresInRow = 1_000;

/**
 * EBAY-2.5: three retries after the first attempt. Their spacing is not published; assumed here: ten seconds, a
 * minute, ten minutes.
 */
const ladder = {
  retriesMs: [10_000, 60_000, 600_000],
  acknowledged: (status: number) => [200, 201, 202, 204].includes(status),
};

export function createNotifier(state: State, credentials: Credentials) {
  const random = state.random.fork('notifier');
  const send = createSender(state, ladder);
  const { sign, keyOf, rotateKey } = createSigner(state, random);
  const destinations: Destination[] = [];
  const subscriptions: Subscription[] = [];
  const soap = newSoap();
  const soapSide = { state, credentials, random, soap, send };

  const post = (
    topicId: string,
    subject: string,
    what: { data: unknown; order: Order | null; only?: Subscription },
  ) => {
    const { data, order, only } = what;
    const wanted = subscriptions.filter((one) =>
      only === undefined ? one.topicId === topicId && one.status === 'ENABLED' : one === only,
    );
    for (const subscription of wanted) {
      const destination = destinations.find(({ id }) => id === subscription.destinationId);
      if (destination?.status !== 'ENABLED') continue;
      const ids = [idOf(random), ...(state.faults.hits('new_id_duplicate') ? [idOf(random)] : [])];
      const eventDate = iso(state.now());
      // What waits when an address is given up or taken away is lost.
      const isLost = () =>
        destination.status !== 'ENABLED' ||
        !destinations.includes(destination) ||
        !subscriptions.includes(subscription);
      for (const notificationId of ids) {
        send({
          topic: topicId,
          subject,
          leaving: () => hears(order),
          write(publishAttemptCount) {
            if (isLost()) return null;
            const metadata = { topic: topicId, schemaVersion: subscription.schemaVersion, deprecated: false };
            const publishDate = iso(state.now());
            const notification = { notificationId, eventDate, publishDate, publishAttemptCount, data };
            return { uri: destination.endpoint, ...sign({ metadata, notification }) };
          },
          ended: (taken) => ended(state, destination, taken),
        });
      }
    }
  };

  return {
    destinations,
    subscriptions,
    soap,
    /** A line was checked out: one notification per line, ids only (EBAY-2.2). */
    confirmed(order: Order, line: OrderLine): void {
      post('ORDER_CONFIRMATION', order.orderId, { data: confirmation(state, order, line), order });
    },
    /** Tells by SOAP, if anybody listens. */
    told(event: SoapEvent, subject: SoapSubject): void {
      const address = destinations.find(({ status }) => status === 'ENABLED')?.endpoint;
      tellSoap(soapSide, [event, subject], soap.url ?? address);
    },
    /** Any topic, any data; also to a subscription that is not enabled when it is named. */
    notify(topicId: string, subject: string, what: { data: unknown; only?: Subscription }): void {
      post(topicId, subject, { ...what, order: null });
    },
    markDown(): void {
      for (const destination of destinations) destination.status = 'MARKED_DOWN';
    },
    keyOf,
    rotateKey,
  };
}

function idOf(random: Random): string {
  return `${uuid(random)}_${uuid(random)}`;
}

function confirmation({ seller, faults }: State, { orderId }: Order, line: OrderLine) {
  const foreign = { userId: 'somebodyElse', username: 'somebody-else' };
  const { userId, username } = seller;
  const user = faults.hits('wrong_user') ? foreign : { userId, username };
  const { lineItemId: orderLineItemId, itemId: listingId, quantity } = line;
  return { user, order: { orderId, orderLineItems: [{ orderLineItemId, listingId, quantity }] } };
}

function ended(state: State, destination: Destination, taken: boolean): void {
  destination.givenUp = taken ? 0 : destination.givenUp + 1;
  destination.failingSince = taken ? null : (destination.failingSince ?? state.now());
  if (destination.failingSince === null) return;
  const silent = state.now() - destination.failingSince > platformMs(silentMs, state.timeScale);
  if (destination.givenUp < givenUpInRow && !silent) return;
  if (destination.status === 'ENABLED') destination.status = 'MARKED_DOWN';
}

/** The keys of the platform, the newest last, and what signs with it. */
function createSigner({ faults }: State, random: Random) {
  const keys = [newSigningKey(random)];
  const forger = newSigningKey(random);
  const sign = (body: unknown): { headers: Record<string, string>; body: Buffer } => {
    const compact = JSON.stringify(body);
    const sent = faults.hits('compact_json') ? JSON.stringify(body, null, 2) : compact;
    const digest = faults.hits('sha256') ? 'SHA256' : 'SHA1';
    const key = keys.at(-1) ?? forger;
    const named = faults.hits('wrong_kid') ? { ...key, kid: uuid(random) } : key;
    const used = faults.hits('bad_signature') ? { ...named, privateKey: forger.privateKey } : named;
    const bytes = Buffer.from(sent);
    // Within the text of a date, so that the body stays JSON.
    const place = sent.indexOf('publishDate') + 16;
    if (faults.hits('altered_body')) bytes[place] = (bytes[place] ?? 0) ^ 1;
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'User-Agent': 'eBayNioHttpClient 1.0',
      'X-EBAY-SIGNATURE': signatureHeader(used, compact, digest),
    };
    return { headers, body: bytes };
  };
  return {
    sign,
    /** The public half of a key, by its id. */
    keyOf: (kid: string) => keys.find((key) => key.kid === kid),
    /** From now on another key signs; the old ones stay known. */
    rotateKey: () => void keys.push(newSigningKey(random)),
  };
}

interface SoapSide {
  state: State;
  credentials: Credentials;
  random: Random;
  soap: ReturnType<typeof newSoap>;
  send: ReturnType<typeof createSender>;
}

function tellSoap(side: SoapSide, [event, subject]: [SoapEvent, SoapSubject], uri: string | undefined): void {
  const { state, credentials, random, soap, send } = side;
  const { faults, seller } = state;
  const asked = soap.enabled && soap.url !== null && soap.events.has(event);
  const sale = event === 'FixedPriceTransaction' || event === 'AuctionCheckoutComplete';
  if (uri === undefined || !(asked || (sale && faults.hits('soap')))) return;
  const forged = faults.hits('bad_soap_signature');
  const recipient = faults.hits('wrong_user') ? 'somebody-else' : seller.username;
  const body = soapBody(event, subject, {
    at: state.now(),
    correlationId: random.hex(12),
    recipient,
    keyset: forged ? { ...credentials, devId: 'somebody-elses' } : credentials,
  });
  const headers = {
    'Content-Type': 'text/xml;charset=utf-8',
    SOAPACTION: `"https://developer.ebay.com/notification/${event}"`,
  };
  const { line, counter, order } = subject;
  send({
    topic: event,
    subject: line === null ? (counter.listing?.itemId ?? '') : orderLineItemId(line),
    leaving: () => hears(order),
    write: () => (soap.failedInRow < soapFailuresInRow ? { uri, headers, body: Buffer.from(body) } : null),
    ended(taken) {
      soap[taken ? 'delivered' : 'failed'] += 1;
      soap.failedInRow = taken ? 0 : soap.failedInRow + 1;
    },
  });
}
