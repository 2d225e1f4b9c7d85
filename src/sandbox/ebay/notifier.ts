import type { Random } from '../kit/random.ts';
import { createSender } from '../kit/sender.ts';
import { platformMs } from '../kit/time.ts';
import type { Credentials } from './auth.ts';
import { uuid } from './auth.ts';
import { iso } from './order-view.ts';
import { type Digest, newSigningKey, type SigningKey, signatureHeader } from './signature.ts';
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

/** What the merchant set for Platform Notifications (EBAY-2.6). */
export interface SoapPreferences {
  enabled: boolean;
  url: string | null;
  events: Set<string>;
  delivered: number;
  failed: number;
  /** Failures in a row; at 1,000 the application is marked down. */
  failedInRow: number;
}

/** Everything that the platform tells by itself. */
export interface Notifier {
  destinations: Destination[];
  subscriptions: Subscription[];
  soap: SoapPreferences;
  /** A line was checked out: one notification per line, ids only (EBAY-2.2). */
  confirmed(order: Order, line: OrderLine): void;
  /** Tells by SOAP, if anybody listens. */
  told(event: SoapEvent, subject: SoapSubject): void;
  /** Any topic, any data; also to a subscription that is not enabled when it is named. */
  notify(topicId: string, data: unknown, subject: string, only?: Subscription): void;
  markDown(): void;
  /** The public half of a key, by its id. */
  keyOf(kid: string): SigningKey | undefined;
  /** From now on another key signs; the old ones stay known. */
  rotateKey(): void;
}

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

export function createNotifier(deps: { state: State; credentials: Credentials; random: Random }): Notifier {
  const { state, credentials, random } = deps;
  const send = createSender(state, ladder);
  const { faults } = state;
  const keys = [newSigningKey(random)];
  const forger = newSigningKey(random);
  const destinations: Destination[] = [];
  const subscriptions: Subscription[] = [];
  const soap: SoapPreferences = {
    enabled: false,
    url: null,
    events: new Set(),
    delivered: 0,
    failed: 0,
    failedInRow: 0,
  };

  const lost = (destination: Destination) => {
    destination.givenUp += 1;
    destination.failingSince ??= state.now();
    const silent = state.now() - destination.failingSince > platformMs(silentMs, state.timeScale);
    if (destination.givenUp < givenUpInRow && !silent) return;
    if (destination.status === 'ENABLED') destination.status = 'MARKED_DOWN';
  };
  const arrived = (destination: Destination) => {
    destination.givenUp = 0;
    destination.failingSince = null;
  };

  const sign = (body: unknown): { headers: Record<string, string>; body: Buffer } => {
    const compact = JSON.stringify(body);
    const sent = faults.hits('compact_json') ? JSON.stringify(body, null, 2) : compact;
    const digest: Digest = faults.hits('sha256') ? 'SHA256' : 'SHA1';
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

  const notify = (
    topicId: string,
    data: unknown,
    subject: string,
    order: Order | null,
    only?: Subscription,
  ) => {
    const wanted = subscriptions.filter((one) =>
      only === undefined ? one.topicId === topicId && one.status === 'ENABLED' : one === only,
    );
    for (const subscription of wanted) {
      const destination = destinations.find(({ id }) => id === subscription.destinationId);
      if (destination?.status !== 'ENABLED') continue;
      const ids = [`${uuid(random)}_${uuid(random)}`];
      if (faults.hits('new_id_duplicate')) ids.push(`${uuid(random)}_${uuid(random)}`);
      const eventDate = iso(state.now());
      for (const notificationId of ids) {
        send({
          topic: topicId,
          subject,
          leaving: () => hears(order),
          write(attempt) {
            // What waits when an address is given up or taken away is lost.
            if (destination.status !== 'ENABLED' || !destinations.includes(destination)) return null;
            if (!subscriptions.includes(subscription)) return null;
            const metadata = { topic: topicId, schemaVersion: subscription.schemaVersion, deprecated: false };
            const publishDate = iso(state.now());
            const notification = {
              notificationId,
              eventDate,
              publishDate,
              publishAttemptCount: attempt,
              data,
            };
            return { uri: destination.endpoint, ...sign({ metadata, notification }) };
          },
          ended: (taken) => (taken ? arrived : lost)(destination),
        });
      }
    }
  };

  const told = (event: SoapEvent, subject: SoapSubject) => {
    const asked = soap.enabled && soap.url !== null && soap.events.has(event);
    const sale = event === 'FixedPriceTransaction' || event === 'AuctionCheckoutComplete';
    const uri = soap.url ?? destinations.find(({ status }) => status === 'ENABLED')?.endpoint;
    if (uri === undefined || !(asked || (sale && faults.hits('soap')))) return;
    const forged = faults.hits('bad_soap_signature');
    const recipient = faults.hits('wrong_user') ? 'somebody-else' : state.seller.username;
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
    send({
      topic: event,
      subject:
        subject.line === null ? (subject.counter.listing?.itemId ?? '') : orderLineItemId(subject.line),
      leaving: () => hears(subject.order),
      write: () => (soap.failedInRow < soapFailuresInRow ? { uri, headers, body: Buffer.from(body) } : null),
      ended(taken) {
        soap[taken ? 'delivered' : 'failed'] += 1;
        soap.failedInRow = taken ? 0 : soap.failedInRow + 1;
      },
    });
  };

  return {
    destinations,
    subscriptions,
    soap,
    confirmed(order, line) {
      const foreign = faults.hits('wrong_user');
      const user = foreign
        ? { userId: 'somebodyElse', username: 'somebody-else' }
        : { userId: state.seller.userId, username: state.seller.username };
      const orderLineItems = [
        { orderLineItemId: line.lineItemId, listingId: line.itemId, quantity: line.quantity },
      ];
      const data = { user, order: { orderId: order.orderId, orderLineItems } };
      notify('ORDER_CONFIRMATION', data, order.orderId, order);
    },
    told,
    notify: (topicId, data, subject, only) => notify(topicId, data, subject, null, only),
    markDown() {
      for (const destination of destinations) destination.status = 'MARKED_DOWN';
    },
    keyOf: (kid) => keys.find((key) => key.kid === kid),
    rotateKey: () => void keys.push(newSigningKey(random)),
  };
}

/** What an order was when the call left, is heard when it is taken. */
function hears(order: Order | null): () => void {
  const revision = order?.revision ?? 0;
  return () => {
    if (order?.state === 'placed') order.heardRevision = Math.max(order.heardRevision, revision);
  };
}
