import type { OutgoingCall } from '../kit/caller.ts';
import { platformMs } from '../kit/time.ts';
import { pauseBefore } from './ladder.ts';
import type { Event } from './notices.ts';
import type { Site } from './site.ts';
import { createMessages, type Subscriber, type TopicSettings } from './topic-messages.ts';
import { createTopicRoutes } from './topic-routes.ts';

export interface Copy {
  event: Event;
  text: string;
  /** Equal for all copies that are the same message. */
  messageId: string;
  duplicate: boolean;
  /** Came through a partner event bus: the queue and the topic hold its envelope. */
  byBus: boolean;
}

/** Answers by status class; `failed` had none or a 5xx. */
export interface Storm {
  sent: number;
  ok: number;
  refused: number;
  failed: number;
}

interface Sent {
  call: OutgoingCall;
  topic: string;
  subject: string;
  copy: Copy | null;
}

const stormConnections = 20;
const isGood = (status: number) => status >= 200 && status < 300;

export type Topic = ReturnType<typeof createTopic>;

/** An SNS topic with HTTPS subscribers (AMZ-2.6, AMZ-2.7, last verified 2026-11). */
export function createTopic(site: Site, settings: TopicSettings) {
  const random = site.random.fork('topic');
  const certificatePath = `/SimpleNotificationService-${random.hex(32)}.pem`;
  const { arn, notification, confirmation, callOf } = createMessages(site, settings, certificatePath);
  const known = new Map<string, Subscriber>();
  const confirmed = () => [...known.values()].filter((subscriber) => subscriber.confirmed);
  const deliver = deliveryOf(site, settings);
  const tell = (subscriber: Subscriber, type: Parameters<typeof confirmation>[1]): Promise<void> => {
    const call = callOf(confirmation(subscriber, type), subscriber);
    return deliver({ call, topic: type, subject: subscriber.endpoint, copy: null });
  };

  /** Sends the confirmation to the endpoint; resolves when the first try is over. */
  const subscribe = async (endpoint: string): Promise<void> => {
    const same = [...known.values()].find((one) => one.endpoint === endpoint);
    const fresh = () => ({
      arn: `${arn}:${site.uuid()}`,
      endpoint,
      token: random.hex(192),
      confirmed: false,
    });
    const subscriber = same ?? fresh();
    known.set(subscriber.arn, subscriber);
    await tell(subscriber, 'SubscriptionConfirmation');
  };

  return {
    arn,
    /** Path of the signing certificate; the message names it on the platform's own host. */
    certificatePath,
    subscribe,
    /** To every confirmed subscriber, with retries. `text` is what the copy says by now. */
    publish(text: string, copy: Copy): void {
      for (const subscriber of confirmed()) {
        const raw = site.faults.hits('raw_delivery');
        const call = callOf(notification(text, copy.messageId, subscriber.arn), subscriber);
        if (raw) Object.assign(call.headers, { 'x-amz-sns-rawdelivery': 'true' });
        const { type: topic, subject } = copy.event;
        // A body that nobody can believe is not heard, whatever status it gets.
        const sent = raw
          ? { call: { ...call, body: Buffer.from(text) }, topic: 'Notification', subject, copy: null }
          : { call, topic, subject, copy };
        site.agenda.add({ afterMs: 0, group: 'topic', run: () => deliver(sent) });
      }
    },
    /** A signed Notification, as an object. */
    envelope: (text: string, messageId: string) => notification(text, messageId, `${arn}:${site.uuid()}`),
    subscriptions: () => [...known.values()].map(({ token: _, ...shown }) => shown),
    /** The same message so many times, at once, unrecorded; answers how the endpoints took it. */
    async storm(text: string, times: number): Promise<Storm> {
      const tally: Storm = { sent: 0, ok: 0, refused: 0, failed: 0 };
      for (const subscriber of confirmed()) {
        const call = callOf(notification(text, site.uuid(), subscriber.arn), subscriber);
        await callOften(site, call, { times, tally });
      }
      return tally;
    },
    /** Null: not a request for this topic. */
    answer: createTopicRoutes(site, { arn, certificatePath, known, subscribe, tell }),
  };
}

/** One try; a 5xx or no answer brings the next one, any other status ends it. */
function deliveryOf(site: Site, settings: TopicSettings) {
  return async function deliver(sent: Sent, retry = 0): Promise<void> {
    const { call, topic, subject, copy } = sent;
    const began = performance.now();
    const { status } = await site.caller.call(call);
    site.records.webhook({
      topic,
      subject,
      outcome: isGood(status) ? 'ok' : 'failed',
      status,
      ms: Math.round((performance.now() - began) * 10) / 10,
      duplicate: retry > 0 || copy?.duplicate === true,
    });
    if (isGood(status)) copy?.event.taken();
    if (status !== 0 && status < 500) return;
    const pause = pauseBefore(settings.ladder, retry);
    if (pause === null) return;
    const afterMs = pause === 0 ? 0 : platformMs(pause, site.timeScale);
    site.agenda.add({ afterMs, group: 'topic', run: () => deliver(sent, retry + 1) });
  };
}

async function callOften(site: Site, call: OutgoingCall, { times, tally }: { times: number; tally: Storm }) {
  let left = times;
  const line = async () => {
    while (left > 0) {
      left -= 1;
      const { status } = await site.caller.call(call);
      tally.sent += 1;
      tally[isGood(status) ? 'ok' : status >= 300 && status < 500 ? 'refused' : 'failed'] += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(times, stormConnections) }, line));
}
