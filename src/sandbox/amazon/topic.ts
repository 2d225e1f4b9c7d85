import { createSign } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { throwawayCertificate, throwawayKey } from './certificate.ts';
import { type LadderName, pauseBefore } from './ladder.ts';
import { refusalOf } from './sigv4.ts';
import type { Site } from './site.ts';

/** One event on its way, before it is copied. */
export interface Event {
  type: string;
  /** What the records call it: an order id, a SKU, a feed id. */
  subject: string;
  body: (ids: { subscriptionId: string; notificationId: string; publishedAt: string }) => unknown;
  /** Called when a consumer has taken it over. */
  taken: () => void;
}

export interface Copy {
  event: Event;
  text: string;
  /** Equal for all copies that are the same message. */
  messageId: string;
  duplicate: boolean;
  /** Came through a partner event bus: the queue and the topic hold its envelope. */
  byBus: boolean;
}

/** An SNS topic with HTTPS subscribers (AMZ-2.6, AMZ-2.7, last verified 2026-11). */
export interface Topic {
  readonly arn: string;
  /** Path of the signing certificate; the message names it on the platform's own host. */
  readonly certificatePath: string;
  /** Sends the confirmation to the endpoint; resolves when the first try is over. */
  subscribe(endpoint: string): Promise<void>;
  /** To every confirmed subscriber, with retries. */
  publish(message: { text: string; messageId: string; copy: Copy | null }): void;
  /** A signed Notification, as an object. */
  envelope(text: string, messageId: string): Record<string, string>;
  /** Signs fields afresh: for messages that nobody else would send. */
  sign(fields: Record<string, string>): Record<string, string>;
  subscriptions(): { arn: string; endpoint: string; confirmed: boolean }[];
  /** The same message so many times, at once, unrecorded; answers how the endpoints took it. */
  storm(text: string, times: number): Promise<Storm>;
  /** Null: not a request for this topic. */
  answer(request: ShopRequest): ShopAnswer | null;
}

/** Answers by status class; `failed` had none or a 5xx. */
export interface Storm {
  sent: number;
  ok: number;
  refused: number;
  failed: number;
}

export interface TopicDeps {
  site: Site;
  random: Random;
  name: string;
  accountId: string;
  secretOf(accessKeyId: string): string | null;
  /** Switches that tests turn while the shop runs. */
  settings: TopicSettings;
}

export interface TopicSettings {
  signatureVersion: '1' | '2';
  ladder: LadderName;
}

interface Subscription {
  arn: string;
  endpoint: string;
  token: string;
  confirmed: boolean;
}

const stormConnections = 20;

export function createTopic(deps: TopicDeps): Topic {
  const { site, random, settings } = deps;
  const { awsRegion } = site.region;
  const arn = `arn:aws:sns:${awsRegion}:${deps.accountId}:${deps.name}`;
  const host = `https://sns.${awsRegion}.amazonaws.com`;
  const certificatePath = `/SimpleNotificationService-${random.hex(32)}.pem`;
  const known = new Map<string, Subscription>();

  const sign = (fields: Record<string, string>): Record<string, string> => {
    const algorithm = settings.signatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
    const signature = createSign(algorithm).update(textToSign(fields)).sign(throwawayKey, 'base64');
    return {
      ...fields,
      SignatureVersion: settings.signatureVersion,
      Signature: signature,
      SigningCertURL: `${host}${certificatePath}`,
    };
  };

  const signed = (fields: Record<string, string>): Record<string, string> => {
    const message = sign(fields);
    if (!site.faults.hits('bad_signature')) return message;
    return { ...message, Message: `${message['Message'] ?? ''} ` };
  };

  const notification = (text: string, messageId: string, subscriptionArn: string) => ({
    ...signed({
      Type: 'Notification',
      MessageId: messageId,
      TopicArn: arn,
      Message: text,
      Timestamp: new Date(site.now()).toISOString(),
    }),
    UnsubscribeURL: `${host}/?Action=Unsubscribe&SubscriptionArn=${subscriptionArn}`,
  });

  const confirmation = (subscription: Subscription, type: string): Record<string, string> => {
    const query = `TopicArn=${arn}&Token=${subscription.token}`;
    return signed({
      Type: type,
      MessageId: site.uuid(),
      Token: subscription.token,
      TopicArn: arn,
      Message: `You have chosen to subscribe to the topic ${arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
      SubscribeURL: `${host}/?Action=ConfirmSubscription&${query}`,
      Timestamp: new Date(site.now()).toISOString(),
    });
  };

  const headersOf = (message: Record<string, string>, subscription: Subscription) => ({
    'x-amz-sns-message-type': message['Type'] ?? '',
    'x-amz-sns-message-id': message['MessageId'] ?? '',
    'x-amz-sns-topic-arn': arn,
    ...(message['Type'] === 'SubscriptionConfirmation'
      ? {}
      : { 'x-amz-sns-subscription-arn': subscription.arn }),
    // JSON inside, whatever this says.
    'Content-Type': 'text/plain; charset=UTF-8',
    'User-Agent': 'Amazon Simple Notification Service Agent',
  });

  /** One try; a 5xx or no answer brings the next one, any other status ends it. */
  const attempt = async (
    subscription: Subscription,
    sent: { headers: Record<string, string>; body: Buffer; subject: string; copy: Copy | null },
    retry: number,
  ): Promise<void> => {
    const began = performance.now();
    const { status } = await site.caller.call({ method: 'POST', uri: subscription.endpoint, ...sent });
    const ok = status >= 200 && status < 300;
    site.records.webhook({
      topic: sent.copy?.event.type ?? sent.headers['x-amz-sns-message-type'] ?? '',
      subject: sent.subject,
      outcome: ok ? 'ok' : 'failed',
      status,
      ms: Math.round((performance.now() - began) * 10) / 10,
      duplicate: retry > 0 || sent.copy?.duplicate === true,
    });
    if (ok) sent.copy?.event.taken();
    if (status !== 0 && status < 500) return;
    const pause = pauseBefore(settings.ladder, retry);
    if (pause === null) return;
    site.agenda.add({
      afterMs: pause === 0 ? 0 : platformMs(pause, site.timeScale),
      group: 'topic',
      run: () => attempt(subscription, sent, retry + 1),
    });
  };

  const tell = (subscription: Subscription, message: Record<string, string>): Promise<void> =>
    attempt(
      subscription,
      {
        headers: headersOf(message, subscription),
        body: Buffer.from(JSON.stringify(message, null, 2)),
        subject: subscription.endpoint,
        copy: null,
      },
      0,
    );

  const subscribe = async (endpoint: string): Promise<void> => {
    const same = [...known.values()].find((one) => one.endpoint === endpoint);
    const subscription = same ?? {
      arn: `${arn}:${site.uuid()}`,
      endpoint,
      token: random.hex(192),
      confirmed: false,
    };
    known.set(subscription.arn, subscription);
    await tell(subscription, confirmation(subscription, 'SubscriptionConfirmation'));
  };

  const confirmed = () => [...known.values()].filter((subscription) => subscription.confirmed);

  const publish: Topic['publish'] = ({ text, messageId, copy }) => {
    for (const subscription of confirmed()) {
      const raw = site.faults.hits('raw_delivery');
      const message = notification(text, messageId, subscription.arn);
      const headers = headersOf(message, subscription);
      const sent = {
        headers: raw ? { ...headers, 'x-amz-sns-rawdelivery': 'true' } : headers,
        body: Buffer.from(raw ? text : JSON.stringify(message, null, 2)),
        subject: copy?.event.subject ?? messageId,
        // A body that nobody can believe is not heard, whatever status it gets.
        copy: raw ? null : copy,
      };
      site.agenda.add({ afterMs: 0, group: 'topic', run: () => attempt(subscription, sent, 0) });
    }
  };

  const storm = async (text: string, times: number): Promise<Storm> => {
    const tally: Storm = { sent: 0, ok: 0, refused: 0, failed: 0 };
    for (const subscription of confirmed()) {
      const message = notification(text, site.uuid(), subscription.arn);
      const headers = headersOf(message, subscription);
      const body = Buffer.from(JSON.stringify(message, null, 2));
      let left = times;
      const line = async () => {
        while (left > 0) {
          left -= 1;
          const { status } = await site.caller.call({
            method: 'POST',
            uri: subscription.endpoint,
            headers,
            body,
          });
          tally.sent += 1;
          if (status >= 200 && status < 300) tally.ok += 1;
          else if (status >= 300 && status < 500) tally.refused += 1;
          else tally.failed += 1;
        }
      };
      await Promise.all(Array.from({ length: Math.min(times, stormConnections) }, line));
    }
    return tally;
  };

  // ------------------------------------------------------------------------------------- the topic's own routes

  const confirm = (query: URLSearchParams): ShopAnswer => {
    const token = query.get('Token') ?? '';
    const subscription = [...known.values()].find((one) => one.token === token);
    if (query.get('TopicArn') !== arn || subscription === undefined) {
      return xmlError(400, 'InvalidParameter', 'Invalid parameter: Token');
    }
    subscription.confirmed = true;
    return xml('ConfirmSubscription', `<SubscriptionArn>${subscription.arn}</SubscriptionArn>`);
  };

  const unsubscribe = (query: URLSearchParams): ShopAnswer => {
    const subscription = known.get(query.get('SubscriptionArn') ?? '');
    if (subscription === undefined) return xmlError(404, 'NotFound', 'Subscription does not exist');
    known.delete(subscription.arn);
    subscription.confirmed = false;
    void tell(subscription, confirmation(subscription, 'UnsubscribeConfirmation'));
    return xml('Unsubscribe', '');
  };

  const act = (request: ShopRequest): ShopAnswer => {
    const refused = refusalOf(request, {
      service: 'sns',
      region: awsRegion,
      secretOf: deps.secretOf,
      now: site.now(),
    });
    if (refused !== null) return xmlError(403, refused.code, refused.message);
    const form = new URLSearchParams(request.body.toString('utf8'));
    if (form.get('Action') === 'ConfirmSubscription') return confirm(form);
    if (form.get('Action') === 'Unsubscribe') return unsubscribe(form);
    if (form.get('Action') !== 'Subscribe') return xmlError(400, 'InvalidAction', 'Unknown action');
    const endpoint = form.get('Endpoint') ?? '';
    if (form.get('TopicArn') !== arn) return xmlError(404, 'NotFound', 'Topic does not exist');
    if (!['http', 'https'].includes(form.get('Protocol') ?? '') || !URL.canParse(endpoint)) {
      return xmlError(400, 'InvalidParameter', 'Invalid parameter: Endpoint');
    }
    site.agenda.add({ afterMs: 0, group: 'topic', run: () => subscribe(endpoint) });
    return xml('Subscribe', '<SubscriptionArn>pending confirmation</SubscriptionArn>');
  };

  return {
    arn,
    certificatePath,
    subscribe,
    publish,
    envelope: (text, messageId) => notification(text, messageId, `${arn}:${site.uuid()}`),
    sign,
    subscriptions: () =>
      [...known.values()].map(({ arn: own, endpoint, confirmed: is }) => ({
        arn: own,
        endpoint,
        confirmed: is,
      })),
    storm,
    answer(request) {
      if (request.method === 'GET' && request.path.endsWith(certificatePath)) {
        return {
          status: 200,
          headers: { 'content-type': 'application/x-pem-file' },
          body: throwawayCertificate,
        };
      }
      if (request.path !== '/') return null;
      const action = request.query.get('Action');
      if (request.method === 'GET' && action === 'ConfirmSubscription') return confirm(request.query);
      if (request.method === 'GET' && action === 'Unsubscribe') return unsubscribe(request.query);
      const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
      return request.method === 'POST' && form ? act(request) : null;
    },
  };
}

const signedKeys = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  other: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
};

/** Key and value, each on its line, in byte order of the keys; absent keys are left out. */
function textToSign(fields: Record<string, string>): string {
  const keys = fields['Type'] === 'Notification' ? signedKeys.Notification : signedKeys.other;
  return keys
    .filter((key) => fields[key] !== undefined)
    .map((key) => `${key}\n${fields[key]}\n`)
    .join('');
}

const namespace = 'http://sns.amazonaws.com/doc/2010-03-31/';

function xml(action: string, result: string): ShopAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result></${action}Response>`,
  };
}

function xmlError(status: number, code: string, message: string): ShopAnswer {
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  };
}
