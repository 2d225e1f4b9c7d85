import { z } from 'zod';
import { found } from '../kit/untyped.ts';
import { bodyOf, type Call, type Handler, json } from './call.ts';
import { denied, internalFailure, invalidInput, Problem } from './problem.ts';
import type { Site } from './site.ts';
import {
  type Destination,
  notificationTypes,
  type Resource,
  type Subscription,
  type Subscriptions,
} from './subscriptions.ts';

/** Notifications v1 (AMZ-3, last verified 2026-11). An older API: data in `payload`, errors without details. */

const destinationSchema = z.object({
  name: z.string().min(1).max(256),
  resourceSpecification: z.object({
    sqs: z
      .object({
        arn: z
          .string()
          .max(1000)
          .regex(/^arn:aws:sqs:\S+:\S+:\S+/),
      })
      .optional(),
    eventBridge: z.object({ region: z.string(), accountId: z.string() }).optional(),
  }),
});

const subscriptionSchema = z.object({
  payloadVersion: z.string(),
  destinationId: z.string(),
  processingDirective: z
    .object({
      eventFilter: z
        .object({
          eventFilterType: z.string(),
          orderChangeTypes: z.array(z.string()).optional(),
          marketplaceIds: z.array(z.string()).optional(),
        })
        .optional(),
      filterExpression: z.string().min(1).max(256).optional(),
    })
    .optional(),
});

const orderChangeTypes = ['OrderStatusChange', 'BuyerRequestedChange', 'DeliveryTipChange'];

export function notificationRoutes(site: Site, subscriptions: Subscriptions) {
  const { destinations, all } = subscriptions;

  const destinationOf = (id = ''): Destination =>
    found(destinations.get(id), () => missing('Destination not found.'));
  const typeOf = (call: Call): string => {
    const type = call.params[0] ?? '';
    if (notificationTypes[type] === undefined) throw invalid('Invalid notification type.');
    return type;
  };
  const noSubscription = () => missing('Subscription not found.');
  const byId = (call: Call): Subscription => {
    const subscription = found(all.get(call.params[1] ?? ''), noSubscription);
    if (subscription.type !== typeOf(call)) throw noSubscription();
    return subscription;
  };
  const ofType = (type: string, version: string | null) =>
    [...all.values()].find(
      (one) => one.type === type && (version === null || one.payloadVersion === version),
    );

  return {
    destinations: () => json(200, { payload: [...destinations.values()] }),
    destination: (call) => json(200, { payload: destinationOf(call.params[0]) }),
    addDestination: (call) => json(200, { payload: addDestination(site, subscriptions, bodyOf(call)) }),
    dropDestination(call) {
      const { destinationId } = destinationOf(call.params[0]);
      if ([...all.values()].some((one) => one.destinationId === destinationId)) {
        throw old(409, 'Conflict', 'The destination has subscriptions.');
      }
      destinations.delete(destinationId);
      return json(200, {});
    },
    subscriptions(call) {
      const types = call.query.getAll('notificationTypes');
      const [type = ''] = types;
      if (types.length !== 1 || notificationTypes[type] === undefined) {
        throw invalid("Invalid 'notificationTypes' provided.");
      }
      call.query.count('pageSize', [30, 100], 30);
      const known = ofType(type, call.query.get('payloadVersion'));
      return json(200, { payload: { subscriptions: known === undefined ? [] : [view(known)] } });
    },
    subscription(call) {
      const known = ofType(typeOf(call), call.query.get('payloadVersion'));
      return json(200, { payload: view(found(known, noSubscription)) });
    },
    subscribe: (call) => json(200, { payload: view(subscribe(subscriptions, typeOf(call), bodyOf(call))) }),
    subscriptionById: (call) => json(200, { payload: view(byId(call)) }),
    unsubscribe(call) {
      all.delete(byId(call).subscriptionId);
      return json(200, {});
    },
    // Test notifications exist on the sandbox hosts only (AMZ-3).
    test() {
      throw denied();
    },
  } satisfies Record<string, Handler>;
}

function old(status: number, code: string, message: string): Problem {
  return new Problem(status, code, message, null);
}

const invalid = (message: string) => old(400, 'InvalidInput', message);
const missing = (message: string) => old(404, 'NotFound', message);

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(`Request is invalid: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
}

function view({ subscriptionId, payloadVersion, destinationId, processingDirective }: Subscription) {
  return {
    subscriptionId,
    payloadVersion,
    destinationId,
    ...(processingDirective === null ? {} : { processingDirective }),
  };
}

function addDestination(site: Site, subscriptions: Subscriptions, body: unknown): Destination {
  const { name, resourceSpecification: wish } = read(destinationSchema, body);
  const resource = resourceOf(wish);
  if (resource === null) {
    throw invalid('Exactly one of sqs and eventBridge must be given.');
  }
  const key = keyOf(resource);
  if ([...subscriptions.destinations.values()].some((one) => keyOf(one.resource) === key)) {
    throw old(409, 'Conflict', 'A destination with this resource already exists.');
  }
  // The platform tries the queue when it makes the destination, and its refusals say little (AMZ-3).
  if (wish.sqs !== undefined && site.faults.hits('missing_policy')) {
    throw site.random.chance(0.5)
      ? internalFailure()
      : invalid('The destination resource is not accessible.');
  }
  return subscriptions.addDestination(name, resource);
}

function resourceOf(wish: z.infer<typeof destinationSchema>['resourceSpecification']): Resource | null {
  const { sqs, eventBridge } = wish;
  if (sqs !== undefined && eventBridge === undefined) return { sqs };
  if (eventBridge === undefined || sqs !== undefined) return null;
  const name = `aws.partner/sellingpartnerapi.amazon.com/${eventBridge.accountId}/amzn1.sellerapps.app.sandbox`;
  return { eventBridge: { ...eventBridge, name } };
}

function keyOf(resource: Resource): string {
  if ('sqs' in resource) return resource.sqs.arn;
  return `${resource.eventBridge.accountId} ${resource.eventBridge.region}`;
}

function subscribe(subscriptions: Subscriptions, type: string, body: unknown): Subscription {
  const { payloadVersion, destinationId, processingDirective } = read(subscriptionSchema, body);
  const kind = notificationTypes[type];
  if (kind === undefined || !kind.versions.includes(payloadVersion)) {
    throw invalid(`Payload version ${payloadVersion} does not exist for ${type}.`);
  }
  const known = subscriptions.destinations.get(destinationId);
  const destination = found(known, () => invalid('The destination does not exist.'));
  if (!(kind.by in destination.resource)) {
    throw invalid(`${type} cannot be delivered to this kind of destination.`);
  }
  const filter = processingDirective?.eventFilter;
  if (filter !== undefined && processingDirective?.filterExpression !== undefined) {
    throw invalidInput('eventFilter and filterExpression are mutually exclusive.');
  }
  if (filter !== undefined && filter.eventFilterType !== type) {
    throw invalid(`eventFilterType must be ${type}.`);
  }
  const stranger = filter?.orderChangeTypes?.find((one) => !orderChangeTypes.includes(one));
  if (stranger !== undefined) throw invalid(`Unknown order change type ${stranger}.`);
  const same = subscriptions.of(type).some((one) => one.subscription.payloadVersion === payloadVersion);
  if (same) throw old(409, 'Conflict', 'Subscription already exists.');
  return subscriptions.add({
    type,
    payloadVersion,
    destinationId,
    processingDirective: processingDirective ?? null,
    orderChangeTypes: filter?.orderChangeTypes ?? null,
    marketplaceIds: filter?.marketplaceIds ?? null,
  });
}
