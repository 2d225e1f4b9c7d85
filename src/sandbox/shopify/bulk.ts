import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  Kind,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { Call, Floor } from './floor.ts';
import { gid, parseGid } from './gid.ts';
import { utc } from './moment.ts';
import { type Release, schemaOf } from './schema.ts';
import type { View } from './views.ts';

interface Operation {
  id: bigint;
  query: string;
  release: Release;
  status: 'CREATED' | 'RUNNING' | 'COMPLETED' | 'FAILED';
  createdAt: number;
  completedAt: number | null;
  lines: string[];
  roots: number;
}

/** SHP-4.4, from 2026-01 on. */
const mostAtOnce = 5;
const mostConnections = 5;
const mostNesting = 2;

/** Exports of whole connections as lines of JSON (SHP-4.4). */
export class Bulk {
  readonly #floor: Floor;
  /** The shop's own address; the real thing hands out a signed storage address. */
  readonly #shop: { root(): unknown; url(): string };
  readonly #random: Random;
  readonly #operations: Operation[] = [];

  constructor(floor: Floor, shop: { root(): unknown; url(): string }) {
    this.#floor = floor;
    this.#shop = shop;
    this.#random = floor.ground.random.fork('bulk');
  }

  readonly run = ({ query }: { query: string }, call: Call): View => {
    const refused = (code: string, message: string) => ({
      userErrors: [{ code, field: ['query'], message }],
    });
    const wrong = problemOf(query, call.release);
    if (wrong !== null) return refused('INVALID', wrong);
    const running = this.#operations.filter(({ status }) => status === 'CREATED' || status === 'RUNNING');
    if (running.length >= mostAtOnce) {
      return refused('LIMIT_REACHED', 'The maximum number of bulk query operations is already running.');
    }
    const one: Operation = {
      id: this.#floor.state.ids.next('BulkOperation'),
      query,
      release: call.release,
      status: 'CREATED',
      createdAt: Date.now(),
      completedAt: null,
      lines: [],
      roots: 0,
    };
    this.#operations.push(one);
    this.#after(200, 800, () => {
      one.status = 'RUNNING';
      this.#after(500, 3000, () => this.#finish(one));
    });
    return { bulkOperation: this.#view(one), userErrors: [] };
  };

  readonly latest = (): View | null => this.#shown(this.#operations.at(-1));

  find(id: string): View | null {
    const wanted = parseGid(id).id;
    return this.#shown(this.#operations.find((operation) => String(operation.id) === wanted));
  }

  /** The finished file behind a download path, or null. */
  file(name: string): string | null {
    const one = this.#operations.find((operation) => `${operation.id}.jsonl` === name);
    return one === undefined ? null : fileOf(one);
  }

  #after(leastMs: number, mostMs: number, run: () => void) {
    const afterMs = platformMs(this.#random.int(leastMs, mostMs), this.#floor.ground.timeScale);
    this.#floor.ground.agenda.add({ afterMs, group: 'jobs', run });
  }

  #shown(one: Operation | undefined): View | null {
    return one === undefined ? null : this.#view(one);
  }

  #view(one: Operation): View {
    const file = fileOf(one);
    return {
      __typename: 'BulkOperation',
      id: gid('BulkOperation', one.id),
      type: 'QUERY',
      status: one.status,
      errorCode: one.status === 'FAILED' ? 'INTERNAL_SERVER_ERROR' : null,
      query: one.query,
      createdAt: utc(one.createdAt),
      completedAt: one.completedAt === null ? null : utc(one.completedAt),
      objectCount: String(one.lines.length),
      rootObjectCount: String(one.roots),
      fileSize: file === null ? null : String(Buffer.byteLength(file)),
      // An empty result has no file.
      url: one.status === 'COMPLETED' && file !== null ? `${this.#shop.url()}/bulk/${one.id}.jsonl` : null,
    };
  }

  #finish(one: Operation) {
    const { webhooks } = this.#floor;
    const result = execute({
      schema: schemaOf(one.release),
      document: parse(one.query),
      rootValue: this.#shop.root(),
      contextValue: { release: one.release, bulk: true, writes: [] } satisfies Call,
    }) as ExecutionResult;
    const completedAt = Date.now();
    one.completedAt = completedAt;
    one.status = result.errors === undefined ? 'COMPLETED' : 'FAILED';
    for (const value of Object.values(result.data ?? {})) {
      const nodes = nodesOf(value) ?? [];
      one.roots += nodes.length;
      for (const node of nodes) one.lines.push(...linesOf(node, null));
    }
    webhooks.publish({
      topic: 'BULK_OPERATIONS_FINISH',
      eventId: webhooks.newEventId(),
      subject: String(one.id),
      body: () => ({
        admin_graphql_api_id: gid('BulkOperation', one.id),
        completed_at: utc(completedAt),
        created_at: utc(one.createdAt),
        error_code: null,
        status: one.status.toLowerCase(),
        type: 'query',
      }),
    });
  }
}

function fileOf({ lines }: Operation): string | null {
  return lines.length === 0 ? null : lines.map((line) => `${line}\n`).join('');
}

/** Why a query cannot run as an export, or null. */
function problemOf(query: string, release: Release): string | null {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return error instanceof GraphQLError ? `Invalid bulk query: ${error.message}` : 'Invalid bulk query';
  }
  const schema = schemaOf(release);
  const [first] = validate(schema, document);
  if (first !== undefined) return `Invalid bulk query: ${first.message}`;
  const { connections, deepest } = connectionsIn(schema, document);
  if (connections === 0) return 'Bulk queries must contain at least one connection.';
  if (connections > mostConnections) {
    return `Bulk queries cannot contain more than ${mostConnections} connections.`;
  }
  // The outermost connection is no nesting.
  if (deepest > mostNesting + 1) {
    return `Bulk queries cannot contain connections with a nesting depth greater than ${mostNesting}.`;
  }
  return null;
}

function connectionsIn(schema: GraphQLSchema, document: DocumentNode) {
  let connections = 0;
  let depth = 0;
  let deepest = 0;
  const info = new TypeInfo(schema);
  const isConnection = () => getNamedType(info.getType())?.name.endsWith('Connection') === true;
  visit(
    document,
    visitWithTypeInfo(info, {
      [Kind.FIELD]: {
        enter() {
          if (!isConnection()) return;
          connections += 1;
          depth += 1;
          deepest = Math.max(deepest, depth);
        },
        leave() {
          if (isConnection()) depth -= 1;
        },
      },
    }),
  );
  return { connections, deepest };
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The nodes of a connection's value; null for anything else. */
function nodesOf(value: unknown): Fields[] | null {
  if (!isFields(value)) return null;
  const { edges, nodes } = value;
  if (Array.isArray(edges)) {
    return edges.map((edge: unknown) => (isFields(edge) ? edge['node'] : null)).filter(isFields);
  }
  return Array.isArray(nodes) ? nodes.filter(isFields) : null;
}

/** One line for the node, then one for each node of its connections, which name it as their parent. */
function linesOf(node: Fields, parentId: unknown): string[] {
  const below: Fields[] = [];
  const bare = withoutConnections(node, below);
  const line = parentId === null ? bare : { ...bare, __parentId: parentId };
  const own = node['id'] ?? parentId;
  return [JSON.stringify(line), ...below.flatMap((child) => linesOf(child, own))];
}

function withoutConnections(fields: Fields, found: Fields[]): Fields {
  const kept: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    const nodes = nodesOf(value);
    if (nodes !== null) found.push(...nodes);
    else kept[name] = isFields(value) ? withoutConnections(value, found) : value;
  }
  return kept;
}
