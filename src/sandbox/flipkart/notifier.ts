import { AppError } from '../../errors.ts';
import { isLoopback } from '../kit/caller.ts';
import type { Random } from '../kit/random.ts';
import { createSender, type Message } from '../kit/sender.ts';
import type { Credentials } from './auth.ts';
import { ist } from './moment.ts';
import { signatureHeaders, type TimeForm } from './signature.ts';
import type { Return, Shipment, Site } from './site.ts';

/** What the merchant asked for by ticket; there is no API for it (FK-2.1). */
export interface Enrolment {
  url: string;
  /** Null: no events of returns. */
  returnsUrl: string | null;
  /** A location that was added later is silent. */
  locations: string[];
}

/** The notification service (FK-2). */
export interface Notifier {
  /** The platform has approved an address; it replaces the one before. Throws AppError `bad_address`. */
  subscribe(wish: { url: string; returnsUrl?: string | null; locations?: string[] }): Enrolment;
  unsubscribe(): void;
  enrolment(): Enrolment | null;
  shipmentEvent(
    type: string,
    shipment: Shipment,
    attributes: Record<string, unknown>,
    /** Several event types do not name the location (FK-2.2). */
    location?: 'unnamed',
  ): void;
  returnEvent(type: string, one: Return, attributes: Record<string, unknown>): void;
  /** Events that wait behind one that is being delivered. */
  waiting(): number;
  /** Forgets what waits. */
  stop(): void;
}

interface Event {
  type: string;
  url: string;
  subject: string;
  body: Buffer;
  shipment: Shipment;
  /** Says nothing of what the shipment holds. */
  silent?: true;
}

/**
 * Count and spacing of the attempts are published nowhere (FK-2.5). Assumed here: eight, the last after half an
 * hour, then the event is given up and its group goes on.
 */
const retriesMs = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 600_000];

/** Opens the notification service. Its groups are the shipment and the return: ordered, one failing blocks the rest. */
export function createNotifier(site: Site, credentials: Credentials): Notifier {
  const { faults, records } = site;
  const random = site.random.fork('notifications');
  const send = createSender(site, {
    retriesMs,
    acknowledged: (status) => status === 200,
    reorderMs: [5_000, 30_000],
    // A copy leaves outside of its group, when later events may have overtaken it.
    copyMs: [100, 20_000],
  });
  let enrolment: Enrolment | null = null;
  /** The head of a group is under way; an event leaves its group when it is answered 200 or given up. */
  const groups = new Map<string, Message[]>();

  const next = (group: string) => {
    const [head] = groups.get(group) ?? [];
    if (head === undefined) groups.delete(group);
    else send(head);
  };

  /** Date and signature of a repeat may be those of the first attempt. */
  const headersOf = (
    { url }: Pick<Event, 'url'>,
    attempt: number,
    firstAt: number,
  ): Record<string, string> => {
    const form: TimeForm = faults.hits('date_form')
      ? 'date'
      : faults.hits('millis_form')
        ? 'millis'
        : 'seconds';
    const signed = signatureHeaders({
      at: attempt > 1 && faults.hits('stale_date') ? firstAt : site.now(),
      form,
      url,
      method: 'POST',
      appId: faults.hits('wrong_app') ? `${credentials.appId.slice(0, -4)}ffff` : credentials.appId,
      secret: faults.hits('bad_signature') ? 'somebody else' : credentials.appSecret,
      gap: random.chance(0.3) ? '  ' : ' ',
    });
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'fk-notification/3.0' };
    return faults.hits('headers_lost') ? headers : { ...headers, ...signed };
  };

  const messageOf = (event: Event, group: string): Message => {
    const { shipment, type: topic, subject, body, url: uri } = event;
    const { revision } = shipment;
    let firstAt: number | null = null;
    return {
      topic,
      subject,
      isLost: () => false,
      async write(attempt) {
        if (attempt === 1 && faults.hits('forged_body')) await sendForged(event);
        firstAt ??= site.now();
        return { uri, headers: headersOf(event, attempt, firstAt), body };
      },
      leaving: () => () => {
        if (event.silent !== true) shipment.heard = Math.max(shipment.heard, revision);
      },
      ended(taken) {
        if (!taken && faults.hits('dead_group')) groups.delete(group);
        groups.get(group)?.shift();
        next(group);
      },
    };
  };

  /** Somebody who saw one call can send anything to the same address (FK-2.4): here, ninety-nine of each. */
  const sendForged = async ({ type, url, subject, body, shipment }: Event) => {
    const text = body.toString('utf8').replaceAll(/"quantity":\d+/g, '"quantity":99');
    const elsewhere = text.replaceAll(shipment.id, `${shipment.id.slice(0, -12)}${random.hex(12)}`);
    const headers = headersOf({ url }, 1, site.now());
    const forged = Buffer.from(random.chance(0.5) ? text : elsewhere);
    const began = Date.now();
    const { status } = await site.caller.call({ method: 'POST', uri: url, headers, body: forged });
    const outcome = status === 200 ? 'ok' : 'failed';
    records.webhook({
      topic: `forged ${type}`,
      subject,
      outcome,
      status,
      ms: Date.now() - began,
      duplicate: false,
    });
  };

  const publish = (event: Event, group: string) => {
    if (faults.hits('drop_webhook')) {
      const { type: topic, subject } = event;
      records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
      return;
    }
    const queue = groups.get(group) ?? [];
    queue.push(messageOf(event, group));
    groups.set(group, queue);
    if (queue.length === 1) next(group);
  };

  const covers = (shipment: Shipment) => enrolment?.locations.includes(shipment.location) === true;

  return {
    subscribe({ url, returnsUrl = null, locations = [...site.locations] }) {
      for (const address of [url, ...(returnsUrl === null ? [] : [returnsUrl])]) {
        const fits = URL.canParse(address) && (address.startsWith('https://') || isLoopback(address));
        if (!fits)
          throw new AppError('bad_address', 'the platform calls https addresses (and this machine) only');
      }
      enrolment = { url, returnsUrl, locations: [...locations] };
      return enrolment;
    },
    unsubscribe() {
      enrolment = null;
    },
    enrolment: () => enrolment,
    shipmentEvent(type, shipment, attributes, location) {
      if (enrolment === null || !covers(shipment)) return;
      const event = { url: enrolment.url, subject: shipment.id, shipment };
      const tell = (eventType: string, fields: Record<string, unknown>, silent?: true) => {
        const body = envelope(site, random, { eventType, ...fields });
        publish({ ...event, type: eventType, body, ...(silent === true ? { silent } : {}) }, shipment.id);
      };
      const shipmentId = shipment.id;
      if (faults.hits('unknown_event')) tell('shipment_weighed', { shipmentId, attributes: {} }, true);
      const named = location === 'unnamed' ? {} : { locationId: shipment.location };
      tell(type, { ...named, shipmentId, attributes });
    },
    returnEvent(type, { id: returnId, shipment }, attributes) {
      const url = enrolment?.returnsUrl ?? null;
      if (url === null || !covers(shipment)) return;
      const fields = { eventType: type, locationId: shipment.location, returnId, attributes };
      const body = envelope(site, random, fields);
      publish({ type, url, subject: returnId, body, shipment, silent: true }, returnId);
    },
    waiting: () => [...groups.values()].reduce((sum, queue) => sum + Math.max(0, queue.length - 1), 0),
    stop: () => groups.clear(),
  };
}

/** The order of the fields is not fixed. */
function envelope(site: Site, random: Random, fields: Record<string, unknown>): Buffer {
  const all: [string, unknown][] = Object.entries({
    source: 'flipkart',
    version: 'v3',
    timestamp: ist(site.now()),
    ...fields,
  });
  if (site.faults.hits('new_fields')) all.push(['sequenceHint', random.int(1, 9)], ['tags', ['beta']]);
  const at = random.int(0, all.length - 1);
  return Buffer.from(JSON.stringify(Object.fromEntries([...all.slice(at), ...all.slice(0, at)])));
}
