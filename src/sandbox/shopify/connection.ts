import { GraphQLError } from 'graphql';
import { maxPage } from './gid.ts';

/** The platform's page arguments. */
export interface PageArgs {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  reverse?: boolean | null;
}

/** Names the place of an entry in the order of the list: equal numbers are told apart by the id. */
export interface Place {
  rank: number | string;
  id: bigint;
}

/**
 * A page of a list. Cursors name a place, not an index, so entries that move while somebody pages are met again or
 * missed as they are on the platform. `unbounded` is for exports, which ignore page arguments (SHP-4.4).
 */
export function connection<T, V>(
  things: T[],
  args: PageArgs,
  shape: { place: (thing: T) => Place; view: (thing: T) => V; unbounded: boolean },
) {
  if (!shape.unbounded) checkArgs(args);
  const places = new Map(things.map((thing) => [thing, shape.place(thing)]));
  const placeOf = (thing: T): Place => places.get(thing) ?? shape.place(thing);
  const sign = args.reverse === true ? -1 : 1;
  const sorted = [...things].sort((a, b) => sign * compare(placeOf(a), placeOf(b)));
  const after = shape.unbounded ? null : read(args.after);
  const before = shape.unbounded ? null : read(args.before);
  const within = sorted.filter(
    (thing) =>
      (after === null || sign * compare(placeOf(thing), after) > 0) &&
      (before === null || sign * compare(placeOf(thing), before) < 0),
  );
  const page = shape.unbounded ? within : cut(within, args);
  const edges = page.map((thing) => ({ cursor: write(placeOf(thing)), node: shape.view(thing) }));
  const forward = typeof args.first === 'number';
  const more = page.length < within.length;
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage: forward ? more : before !== null && within.length < sorted.length,
      hasPreviousPage: forward ? after !== null && within.length < sorted.length : more,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function checkArgs({ first, last }: PageArgs): void {
  const size = first ?? last;
  if (typeof size !== 'number') throw badArgument('you must provide one of first or last');
  if (typeof first === 'number' && typeof last === 'number') {
    throw badArgument('providing both first and last is not supported');
  }
  if (size < 0) throw badArgument('first and last must not be negative');
  if (size > maxPage) throw badArgument(`first and last cannot exceed ${maxPage}`);
}

function badArgument(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

function cut<T>(things: T[], { first, last }: PageArgs): T[] {
  if (typeof first === 'number') return things.slice(0, first);
  return typeof last === 'number' && last > 0 ? things.slice(-last) : [];
}

function compare(a: Place, b: Place): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

function write({ rank, id }: Place): string {
  return Buffer.from(JSON.stringify({ last_id: String(id), last_value: rank })).toString('base64');
}

function read(cursor: string | null | undefined): Place | null {
  if (cursor === null || cursor === undefined) return null;
  try {
    const { last_id, last_value } = JSON.parse(Buffer.from(cursor, 'base64').toString('utf8'));
    return { rank: last_value, id: BigInt(last_id) };
  } catch {
    throw new GraphQLError(`\`${cursor}\` is not a valid cursor`, {
      extensions: { code: 'INVALID_CURSOR' },
    });
  }
}
