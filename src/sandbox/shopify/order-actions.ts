import { GraphQLError } from 'graphql';
import { platformMs } from '../kit/time.ts';
import type { Floor } from './floor.ts';
import { gid, idIn, parseGid } from './gid.ts';
import type { Orders } from './orders.ts';
import type { Order } from './state.ts';
import type { Views } from './views.ts';

interface CancelArgs {
  orderId: string;
  reason: string;
  restock: boolean;
  staffNote?: string | null;
}

/** Cancelling, which is a job (SHP-8), and tagging. */
export function createOrderActions({ ground, state }: Floor, views: Views, orders: Orders) {
  const { agenda, timeScale } = ground;
  const random = ground.random.fork('jobs');
  const jobs = new Map<string, { done: boolean }>();

  const isOpen = () => views.isActive(state.main);
  const orderOf = (gid: string): Order | undefined => state.ordersById.get(String(idIn(gid, 'Order') ?? ''));

  const startCancel = (order: Order, args: CancelArgs) => {
    const name = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`;
    const job = { done: false };
    jobs.set(name, job);
    agenda.add({
      afterMs: platformMs(random.int(300, 2500), timeScale),
      group: 'jobs',
      run: () => {
        const restock = args.restock && isOpen();
        orders.cancel(order, { restock, reason: args.reason, staffNote: args.staffNote ?? null });
        job.done = true;
      },
    });
    return { id: gid('Job', name), done: false };
  };

  const tag = (args: { id: string; tags: string[] }, does: 'add' | 'delete') => {
    const order = orderOf(args.id);
    if (order === undefined) {
      return { userErrors: [{ field: ['id'], message: `${parseGid(args.id).kind} does not exist` }] };
    }
    const tags = new Set(order.tags);
    for (const one of cleanTags(args.tags)) tags[does](one);
    if (tags.size !== order.tags.length) {
      order.tags = [...tags];
      orders.touch(order);
    }
    return { node: views.order(order), userErrors: [] };
  };

  return {
    job({ id }: { id: string }) {
      const { kind, id: name } = parseGid(id);
      const known = kind === 'Job' ? jobs.get(name) : undefined;
      return known === undefined ? null : { id, done: known.done };
    },
    orderCancel(args: CancelArgs) {
      const order = orderOf(args.orderId);
      const errors = cancelErrors(order, args, isOpen);
      if (order === undefined || errors.length > 0) return { orderCancelUserErrors: errors, userErrors: [] };
      const job = startCancel(order, args);
      const jobResult = {
        ...job,
        __typename: 'OrderCancelJobResult',
        errors: [],
        order: () => views.order(order),
        status: 'STARTED',
      };
      return { job, jobResult, orderCancelUserErrors: [], userErrors: [] };
    },
    tagsAdd: (args: { id: string; tags: string[] }) => tag(args, 'add'),
    tagsRemove: (args: { id: string; tags: string[] }) => tag(args, 'delete'),
  };
}

/** `isOpen`: of the place where the units would go back. */
function cancelErrors(order: Order | undefined, args: CancelArgs, isOpen: () => boolean) {
  const error = (code: string, field: string, message: string) => [{ code, field: [field], message }];
  if (order === undefined) return error('NOT_FOUND', 'orderId', 'Order does not exist');
  if (order.cancelledAt !== null) {
    return error('INVALID', 'orderId', 'Cannot cancel an order that has already been canceled');
  }
  if (order.lines.some((line) => line.fulfilled > 0)) {
    return error('INVALID', 'orderId', 'Cannot cancel an order with fulfilled items');
  }
  if ((args.staffNote ?? '').length > 255) {
    return error('INVALID', 'staffNote', 'Staff note is too long (maximum is 255 characters)');
  }
  // SHP-8: restocking at a deactivated location fails for a paid order.
  if (args.restock && !order.unpaid && !isOpen()) {
    return error('INVALID', 'restock', 'Cannot restock at a deactivated location');
  }
  return [];
}

/** A tag holds 40 characters and a comma separates tags. */
function cleanTags(tags: string[]): string[] {
  const clean = tags.flatMap((tag) => tag.split(',')).map((tag) => tag.trim());
  if (clean.some((tag) => tag.length > 40)) {
    throw new GraphQLError('Tag is too long (maximum is 40 characters)', {
      extensions: { code: 'INVALID_FIELD_ARGUMENTS' },
    });
  }
  return clean.filter((tag) => tag !== '');
}
