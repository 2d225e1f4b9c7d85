import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { throwawayCertificate } from './certificate.ts';
import { awsRefusal } from './sigv4.ts';
import type { Site } from './site.ts';
import type { Subscriber } from './topic-messages.ts';

/** What a topic answers: its certificate, confirmations by link, and signed actions (AMZ-2.6, verified 2026-11). */

interface Within {
  arn: string;
  certificatePath: string;
  /** By the ARN of the subscription. */
  known: Map<string, Subscriber>;
  subscribe(endpoint: string): Promise<void>;
  tell(subscriber: Subscriber, type: 'UnsubscribeConfirmation'): Promise<void>;
}

type Action = (form: URLSearchParams) => ShopAnswer;

/** Null: not a request for this topic. */
export function createTopicRoutes(site: Site, topic: Within): (request: ShopRequest) => ShopAnswer | null {
  const { arn, certificatePath, known } = topic;
  const actions: Record<string, Action> = {
    ConfirmSubscription(query) {
      const token = query.get('Token') ?? '';
      const subscriber = [...known.values()].find((one) => one.token === token);
      if (query.get('TopicArn') !== arn || subscriber === undefined) {
        return refused(400, 'InvalidParameter', 'Invalid parameter: Token');
      }
      subscriber.confirmed = true;
      return done('ConfirmSubscription', `<SubscriptionArn>${subscriber.arn}</SubscriptionArn>`);
    },
    Unsubscribe(query) {
      const subscriber = known.get(query.get('SubscriptionArn') ?? '');
      if (subscriber === undefined) return refused(404, 'NotFound', 'Subscription does not exist');
      known.delete(subscriber.arn);
      subscriber.confirmed = false;
      void topic.tell(subscriber, 'UnsubscribeConfirmation');
      return done('Unsubscribe', '');
    },
    Subscribe(form) {
      const endpoint = form.get('Endpoint') ?? '';
      if (form.get('TopicArn') !== arn) return refused(404, 'NotFound', 'Topic does not exist');
      if (!['http', 'https'].includes(form.get('Protocol') ?? '') || !URL.canParse(endpoint)) {
        return refused(400, 'InvalidParameter', 'Invalid parameter: Endpoint');
      }
      site.agenda.add({ afterMs: 0, group: 'topic', run: () => topic.subscribe(endpoint) });
      return done('Subscribe', '<SubscriptionArn>pending confirmation</SubscriptionArn>');
    },
  };

  const act = (name: string, form: URLSearchParams) =>
    Object.hasOwn(actions, name) ? actions[name]?.(form) : undefined;

  return (request) => {
    const { method, path, query, headers } = request;
    if (method === 'GET' && path.endsWith(certificatePath)) {
      const type = { 'content-type': 'application/x-pem-file' };
      return { status: 200, headers: type, body: throwawayCertificate };
    }
    if (path !== '/') return null;
    const action = query.get('Action') ?? '';
    // The links of the messages need no signature.
    if (method === 'GET') return action === 'Subscribe' ? null : (act(action, query) ?? null);
    const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
    if (method !== 'POST' || !isForm) return null;
    const unsigned = awsRefusal(site, 'sns', request);
    if (unsigned !== null) return refused(403, unsigned.code, unsigned.message);
    const form = new URLSearchParams(request.body.toString('utf8'));
    return act(form.get('Action') ?? '', form) ?? refused(400, 'InvalidAction', 'Unknown action');
  };
}

const xmlns = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"';

function xml(status: number, body: string): ShopAnswer {
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

function done(action: string, result: string): ShopAnswer {
  const body = `<${action}Result>${result}</${action}Result>`;
  return xml(200, `<${action}Response ${xmlns}>${body}</${action}Response>`);
}

function refused(status: number, code: string, message: string): ShopAnswer {
  const error = `<Type>Sender</Type><Code>${code}</Code><Message>${message}</Message>`;
  return xml(status, `<ErrorResponse ${xmlns}><Error>${error}</Error></ErrorResponse>`);
}
