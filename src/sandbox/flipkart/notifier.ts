import { AppError } from '../../errors.ts';
import { isLoopback, type Mail } from '../mail.ts';
import type { Random } from '../random.ts';
import { platformMs } from '../time.ts';
import type { Credentials } from './auth.ts';
import { ist } from './moment.ts';
import { signatureHeaders, type TimeForm } from './signature.ts';
import { type Return, type Shipment, type Site, struckMs } from './site.ts';

/** What the merchant asked for by ticket; there is no API for it (FK-2.1). */
export interface Enrolment {
  url: string;
  /** Null: no events of returns. */
  returnsUrl: string | null;
  /** A location that was added later is silent. */
  locations: string[];
}

/** The notification service (FK-2, last verified 2026-11). */
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
  stop(): void;
}

interface Event {
  type: string;
  url: string;
  subject: string;
  body: Buffer;
  shipment: Shipment;
  /** Null: says nothing of what the shipment holds. */
  revision: number | null;
  attempt: number;
  /** Date and signature of the first attempt. */
  first: { at: number } | null;
}

/**
 * Count and spacing of the attempts are published nowhere (FK-2.5). Assumed here: eight, the last after half an
 * hour, then the event is given up and its group goes on.
 */
const retriesMs = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 600_000];

export interface NotifierDeps {
  site: Site;
  mail: Mail;
  credentials: Credentials;
  random: Random;
}

/** Opens the notification service. Its groups are the shipment and the return: ordered, one failing blocks the rest. */
export function createNotifier({ site, mail, credentials, random }: NotifierDeps): Notifier {
  const { faults, records, post, timeScale } = site;
  let enrolment: Enrolment | null = null;
  let stopped = false;
  /** The head of a group is under way; an event leaves its group when it is answered 200 or given up. */
  const groups = new Map<string, Event[]>();

  const headersFor = (event: Event): Record<string, string> => {
    const form: TimeForm = faults.hits('date_form')
      ? 'date'
      : faults.hits('millis_form')
        ? 'millis'
        : 'seconds';
    const stale = event.attempt > 1 && event.first !== null && faults.hits('stale_date');
    const at = stale && event.first !== null ? event.first.at : site.now();
    event.first ??= { at };
    const signed = signatureHeaders({
      at,
      form,
      url: event.url,
      method: 'POST',
      appId: faults.hits('wrong_app') ? `${credentials.appId.slice(0, -4)}ffff` : credentials.appId,
      secret: faults.hits('bad_signature') ? 'somebody else' : credentials.appSecret,
      gap: random.chance(0.3) ? '  ' : ' ',
    });
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'fk-notification/3.0' };
    return faults.hits('headers_lost') ? headers : { ...headers, ...signed };
  };

  const attempt = async (event: Event, body: Buffer): Promise<number> => {
    const began = Date.now();
    const { status } = await mail.send({ method: 'POST', uri: event.url, headers: headersFor(event), body });
    records.webhook({
      topic: body === event.body ? event.type : `forged ${event.type}`,
      subject: event.subject,
      outcome: status === 200 ? 'ok' : 'failed',
      status,
      ms: Date.now() - began,
      duplicate: event.attempt > 1,
    });
    if (status === 200 && event.revision !== null && body === event.body) {
      event.shipment.heard = Math.max(event.shipment.heard, event.revision);
    }
    return status;
  };

  const later = (afterMs: number, run: () => Promise<void>) =>
    post.add({ afterMs, group: 'deliveries', run });

  const jitter = () => {
    let ms = platformMs(random.int(100, 2_000), timeScale);
    ms += struckMs(site, 'delay_webhook') ?? 0;
    if (faults.hits('reorder_webhook')) ms += platformMs(random.int(5_000, 30_000), timeScale);
    return ms;
  };

  const next = (group: string) => {
    const [head] = groups.get(group) ?? [];
    if (head === undefined) groups.delete(group);
    else later(jitter(), () => deliver(group, head));
  };

  const deliver = async (group: string, event: Event): Promise<void> => {
    event.attempt += 1;
    if (event.attempt === 1 && faults.hits('forged_body')) await attempt(event, forged(event, random));
    const status = await attempt(event, event.body);
    if (stopped) return;
    const wait = retriesMs[event.attempt - 1];
    if (status !== 200 && wait !== undefined) {
      later(platformMs(wait, timeScale), () => deliver(group, event));
      return;
    }
    if (status === 200 && faults.hits('duplicate_webhook')) again(event);
    if (status !== 200 && faults.hits('dead_group')) groups.set(group, [event]);
    groups.get(group)?.shift();
    next(group);
  };

  /** At least once: the same bytes, outside of their group, when later events may have overtaken them. */
  const again = (event: Event) => {
    const copy: Event = { ...event, attempt: 2 };
    later(platformMs(random.int(100, 20_000), timeScale), async () => void (await attempt(copy, copy.body)));
  };

  const publish = (event: Event, group: string) => {
    if (faults.hits('drop_webhook')) {
      const { type: topic, subject } = event;
      records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
      return;
    }
    const queue = groups.get(group) ?? [];
    queue.push(event);
    groups.set(group, queue);
    if (queue.length === 1) next(group);
  };

  const envelope = (fields: Record<string, unknown>): Buffer => {
    const all: [string, unknown][] = Object.entries({
      source: 'flipkart',
      version: 'v3',
      timestamp: ist(site.now()),
      ...fields,
    });
    if (faults.hits('new_fields')) all.push(['sequenceHint', random.int(1, 9)], ['tags', ['beta']]);
    // The order of the fields is not fixed.
    const at = random.int(0, all.length - 1);
    return Buffer.from(JSON.stringify(Object.fromEntries([...all.slice(at), ...all.slice(0, at)])));
  };

  const eventOf = (type: string, url: string, shipment: Shipment, body: Buffer): Event => ({
    type,
    url,
    subject: shipment.id,
    body,
    shipment,
    revision: shipment.revision,
    attempt: 0,
    first: null,
  });

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
      if (enrolment === null || !enrolment.locations.includes(shipment.location)) return;
      const { url } = enrolment;
      if (faults.hits('unknown_event')) {
        const body = envelope({ eventType: 'shipment_weighed', shipmentId: shipment.id, attributes: {} });
        publish({ ...eventOf('shipment_weighed', url, shipment, body), revision: null }, shipment.id);
      }
      const named = location === 'unnamed' ? {} : { locationId: shipment.location };
      const body = envelope({ eventType: type, ...named, shipmentId: shipment.id, attributes });
      publish(eventOf(type, url, shipment, body), shipment.id);
    },
    returnEvent(type, one, attributes) {
      const { shipment } = one;
      if (enrolment === null || !enrolment.locations.includes(shipment.location)) return;
      if (enrolment.returnsUrl === null) return;
      const body = envelope({
        eventType: type,
        locationId: shipment.location,
        returnId: one.id,
        attributes,
      });
      const event = eventOf(type, enrolment.returnsUrl, shipment, body);
      publish({ ...event, subject: one.id, revision: null }, one.id);
    },
    waiting: () => [...groups.values()].reduce((sum, queue) => sum + Math.max(0, queue.length - 1), 0),
    stop() {
      stopped = true;
      groups.clear();
    },
  };
}

/** Somebody who saw one call can send anything to the same address (FK-2.4): here, ninety-nine of each. */
function forged(event: Event, random: Random): Buffer {
  const text = event.body.toString('utf8').replaceAll(/"quantity":\d+/g, '"quantity":99');
  const elsewhere = text.replaceAll(event.shipment.id, `${event.shipment.id.slice(0, -12)}${random.hex(12)}`);
  return Buffer.from(random.chance(0.5) ? text : elsewhere);
}
