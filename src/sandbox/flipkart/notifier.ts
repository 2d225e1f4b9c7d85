import { AppError } from '../../errors.ts';
import { isLoopback } from '../kit/caller.ts';
import { hears } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import { createSender, type Message } from '../kit/sender.ts';
import type { Auth } from './auth.ts';
import { ist } from './moment.ts';
import { signatureHeaders } from './signature.ts';
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
export type Notifier = ReturnType<typeof createNotifier>;

/** The shop with those who hear of it. */
export interface Floor extends Site {
  notifier: Notifier;
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
/** The events of a shipment that name its location (FK-2.2). */
const naming = ['shipment_created', 'shipment_dispatch_dates_changed', 'shipment_cancelled'];

/** Opens the notification service. */
export function createNotifier(site: Site, credentials: Auth['credentials']) {
  const random = site.random.fork('notifications');
  const { publish, waiting, forget } = createGroups(site, createSigner(site, credentials, random), random);
  let enrolment: Enrolment | null = null;
  const addressFor = (shipment: Shipment, which: 'url' | 'returnsUrl') =>
    enrolment?.locations.includes(shipment.location) === true ? enrolment[which] : null;

  return {
    /** The platform has approved an address; it replaces the one before. Throws AppError `bad_address`. */
    subscribe(wish: { url: string; returnsUrl?: string | null; locations?: string[] }): Enrolment {
      const { url, returnsUrl = null, locations = site.locations } = wish;
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
    enrolment: (): Enrolment | null => enrolment,
    shipmentEvent(type: string, shipment: Shipment, attributes: Record<string, unknown>): void {
      const { id: shipmentId, location: locationId } = shipment;
      const url = addressFor(shipment, 'url');
      if (url === null) return;
      const tell = (eventType: string, fields: Record<string, unknown>, silent?: true) => {
        const body = envelope(site, random, { eventType, ...fields });
        const event = { type: eventType, url, subject: shipmentId, body, shipment };
        publish(silent === true ? { ...event, silent } : event);
      };
      if (site.faults.hits('unknown_event')) tell('shipment_weighed', { shipmentId, attributes: {} }, true);
      tell(type, { ...(naming.includes(type) ? { locationId } : {}), shipmentId, attributes });
    },
    returnEvent(type: string, one: Return, attributes: Record<string, unknown>): void {
      const { id: returnId, shipment } = one;
      const url = addressFor(shipment, 'returnsUrl');
      if (url === null) return;
      const fields = { eventType: type, locationId: shipment.location, returnId, attributes };
      const body = envelope(site, random, fields);
      publish({ type, url, subject: returnId, body, shipment, silent: true });
    },
    /** Events that wait behind one that is being delivered. */
    waiting,
    /** Forgets what waits. */
    stop: forget,
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

/** Headers of a call; `staleAt`: date and signature of a repeat are those of the first attempt. */
type Signer = (url: string, staleAt: number | null) => Record<string, string>;

function createSigner({ faults, now }: Site, credentials: Auth['credentials'], random: Random): Signer {
  return (url, staleAt) => {
    const signed = signatureHeaders({
      form: faults.hits('date_form') ? 'date' : faults.hits('millis_form') ? 'millis' : 'seconds',
      at: staleAt !== null && faults.hits('stale_date') ? staleAt : now(),
      url,
      method: 'POST',
      appId: faults.hits('wrong_app') ? `${credentials.appId.slice(0, -4)}ffff` : credentials.appId,
      secret: faults.hits('bad_signature') ? 'somebody else' : credentials.appSecret,
      gap: random.chance(0.3) ? '  ' : ' ',
    });
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'fk-notification/3.0' };
    return faults.hits('headers_lost') ? headers : { ...headers, ...signed };
  };
}

/** Groups are the shipment and the return: ordered, one failing event blocks those behind it. */
function createGroups(site: Site, sign: Signer, random: Random) {
  const { faults, records } = site;
  const send = createSender(site, {
    retriesMs,
    acknowledged: (status) => status === 200,
    reorderMs: [5_000, 30_000],
    // A copy leaves outside of its group, when later events may have overtaken it.
    copyMs: [100, 20_000],
  });
  /** The head of a group is under way; an event leaves its group when it is answered 200 or given up. */
  const groups = new Map<string, Message[]>();

  const next = (group: string) => {
    const [head] = groups.get(group) ?? [];
    if (head === undefined) groups.delete(group);
    else send(head);
  };

  const messageOf = (event: Event): Message => {
    const { shipment, type: topic, subject, body, url: uri } = event;
    const heard = hears(event.silent === true ? null : shipment);
    let firstAt: number | null = null;
    return {
      topic,
      subject,
      isLost: () => false,
      async write(attempt) {
        if (attempt === 1 && faults.hits('forged_body')) await sendForged(event);
        const staleAt = attempt > 1 ? firstAt : null;
        firstAt ??= site.now();
        return { uri, headers: sign(uri, staleAt), body };
      },
      leaving: () => heard,
      ended(taken) {
        if (!taken && faults.hits('dead_group')) groups.delete(subject);
        groups.get(subject)?.shift();
        next(subject);
      },
    };
  };

  /** Somebody who saw one call can send anything to the same address (FK-2.4): here, ninety-nine of each. */
  const sendForged = async ({ type, url, subject, body, shipment }: Event) => {
    const text = body.toString('utf8').replaceAll(/"quantity":\d+/g, '"quantity":99');
    const elsewhere = text.replaceAll(shipment.id, `${shipment.id.slice(0, -12)}${random.hex(12)}`);
    const headers = sign(url, null);
    const forged = Buffer.from(random.chance(0.5) ? text : elsewhere);
    const began = Date.now();
    const { status } = await site.caller.call({ method: 'POST', uri: url, headers, body: forged });
    const outcome = status === 200 ? 'ok' : 'failed';
    const ms = Date.now() - began;
    records.webhook({ topic: `forged ${type}`, subject, outcome, status, ms, duplicate: false });
  };

  return {
    publish(event: Event) {
      const { type: topic, subject } = event;
      if (faults.hits('drop_webhook')) {
        records.webhook({ topic, subject, outcome: 'dropped', status: 0, ms: 0, duplicate: false });
        return;
      }
      const queue = groups.get(subject) ?? [];
      queue.push(messageOf(event));
      groups.set(subject, queue);
      if (queue.length === 1) next(subject);
    },
    waiting: () => [...groups.values()].reduce((sum, queue) => sum + Math.max(0, queue.length - 1), 0),
    forget: () => groups.clear(),
  };
}
