import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FieldNode,
  GraphQLError,
  getDirectiveValues,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { type Ground, obeyWrite } from '../kit/ground.ts';
import type { Random } from '../kit/random.ts';
import type { WriteRecord } from '../kit/records.ts';
import { jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { tableOf } from '../kit/untyped.ts';
import { type Auth, isScopeMissing } from './auth.ts';
import { actualCost, type Bucket, type Costed, maxCost, requestedCost } from './cost.ts';
import type { Call } from './floor.ts';
import type { IdempotencyMemory } from './idempotency.ts';
import { type Release, releases, schemaOf } from './schema.ts';

interface Asked {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | null;
}

interface Ready extends Costed {
  release: Release;
  cost: number;
  /** Variables as they came, before coercion. */
  given: Record<string, unknown>;
}

/** `POST /admin/api/<release>/graphql.json` with the habits of SHP-1.2 and SHP-7. */
export class Endpoint {
  readonly #ground: Ground;
  readonly #parts: { auth: Auth; bucket: Bucket; memory: IdempotencyMemory };
  readonly #root: () => unknown;
  readonly #random: Random;

  constructor(
    ground: Ground,
    parts: { auth: Auth; bucket: Bucket; memory: IdempotencyMemory },
    root: () => unknown,
  ) {
    this.#ground = ground;
    this.#parts = parts;
    this.#root = root;
    this.#random = ground.random.fork('endpoint');
  }

  async answer(request: ShopRequest, version: string): Promise<ShopAnswer | null> {
    const release = releaseOf(version);
    if (release === null) return refused(404, 'Not Found');
    const requestId = this.#random.hex(32);
    const answer = await this.#answer(request, release, requestId);
    if (answer === null) return null;
    const headers = { 'X-Shopify-API-Version': release, 'X-Request-Id': requestId, ...answer.headers };
    return { ...answer, headers };
  }

  async #answer(request: ShopRequest, release: Release, requestId: string): Promise<ShopAnswer | null> {
    const { faults, pauses } = this.#ground;
    const { auth, bucket } = this.#parts;
    if (faults.hits('token_expiry')) auth.expireGranted();
    if (!auth.accepts(request.headers['x-shopify-access-token'])) return refused(401, unknownToken);
    const slowMs = faults.dueMs('slow');
    if (slowMs !== null && !(await pauses.pause(slowMs))) return null;
    const failing = earlyFaults.find(([name]) => faults.hits(name));
    if (failing !== undefined) return failing[1](requestId, this.#random);
    const asked = askedIn(request);
    if (asked === null)
      return jsonAnswer(400, { errors: { query: 'Required parameter missing or invalid' } });
    const ready = prepare(release, asked);
    if ('status' in ready) return ready;
    if (faults.hits('throttle')) return this.#throttled(ready.cost);
    if (faults.hits('throttled_burst')) bucket.drain();
    if (!bucket.take(ready.cost)) return this.#throttledAnswer(ready.cost);
    if (!writesStock(ready)) return { status: 200, body: this.#run(ready).body };
    if (isScopeMissing(faults)) {
      return oneError('Access denied. Required access: `write_inventory` access scope.', 'ACCESS_DENIED');
    }
    return this.#obey(ready);
  }

  #cost(requestedQueryCost: number, actualQueryCost: number | null) {
    return { cost: { requestedQueryCost, actualQueryCost, throttleStatus: this.#parts.bucket.status() } };
  }

  #throttledAnswer(cost: number): ShopAnswer {
    const errors = [{ message: 'Throttled', extensions: { code: 'THROTTLED', documentation } }];
    return jsonAnswer(200, { errors, extensions: this.#cost(cost, null) });
  }

  /** SHP-7: mostly a 200; 429 with Retry-After occurs too. */
  #throttled(cost: number): ShopAnswer {
    if (this.#random.chance(0.75)) {
      this.#parts.bucket.drain();
      return this.#throttledAnswer(cost);
    }
    const text =
      'Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.';
    return { ...refused(429, text), headers: { 'Retry-After': (2 / this.#ground.timeScale).toFixed(3) } };
  }

  #run(ready: Ready): { call: Call; body: string } {
    const call: Call = { release: ready.release, bulk: false, writes: [] };
    const { data, errors } = execute({
      schema: ready.schema,
      document: ready.document,
      rootValue: this.#root(),
      contextValue: call,
      variableValues: ready.given,
      operationName: ready.operation.name?.value,
    }) as ExecutionResult;
    const actual = actualCost(ready, data);
    this.#parts.bucket.giveBack(Math.max(0, ready.cost - actual));
    const extensions = this.#cost(ready.cost, actual);
    return { call, body: JSON.stringify({ data, errors: errors?.map(shownError), extensions }) };
  }

  #obey(ready: Ready) {
    const { memory } = this.#parts;
    const key = keyIn(ready);
    const writes: WriteRecord[] = [];
    return obeyWrite(this.#ground, {
      run: (): ShopAnswer => {
        const { call, body } = this.#run(ready);
        writes.push(...call.writes);
        return { status: 200, body };
      },
      late: () => {
        if (key !== null) memory.hold(key);
        return () => {
          if (key !== null) memory.release(key);
          this.#run(ready);
        };
      },
      failure: () => refused(500, 'Internal Server Error'),
      writes,
    });
  }
}

/** Faults that strike before the query is looked at, in the order in which they are drawn. */
const earlyFaults: [name: string, answer: (requestId: string, random: Random) => ShopAnswer | null][] = [
  ['auth', () => refused(401, unknownToken)],
  ['payment_required', () => refused(402, 'Unavailable Shop')],
  ['locked', () => refused(423, 'Locked')],
  ['timeout', () => null],
  [
    'error_500',
    (requestId, random) =>
      refused(random.pick([500, 502, 503]), `Internal Server Error. Request ID: ${requestId}`),
  ],
  [
    'internal_error',
    (requestId) =>
      oneError(
        `Internal error. Looks like something went wrong on our end.\nRequest ID: ${requestId} (include this in support requests).`,
        'INTERNAL_SERVER_ERROR',
        { requestId },
      ),
  ],
  [
    'access_denied',
    () => oneError('Access denied for this field. Required access is missing.', 'ACCESS_DENIED'),
  ],
];

const documentation = 'https://shopify.dev/api/usage/rate-limits';
const unknownToken = '[API] Invalid API key or access token (unrecognized login or wrong password)';

/** SHP-1.2: a dead release falls forward to the oldest one; what was never released does not exist. */
function releaseOf(version: string): Release | null {
  const exact = releases.find((release) => release === version);
  if (exact !== undefined) return exact;
  if (version === 'unstable') return releases[releases.length - 1] ?? null;
  const wellFormed = /^20\d\d-(01|04|07|10)$/.test(version);
  return wellFormed && version < releases[0] ? releases[0] : null;
}

function askedIn(request: ShopRequest): Asked | null {
  let body: Record<string, unknown>;
  try {
    body = tableOf(JSON.parse(request.body.toString('utf8')));
  } catch {
    return null;
  }
  const { query, variables, operationName } = body;
  if (typeof query !== 'string') return null;
  return {
    query,
    variables: tableOf(variables),
    operationName: typeof operationName === 'string' ? operationName : null,
  };
}

const documents = new Map<string, { document: DocumentNode | null; errors: readonly GraphQLError[] }>();

/** Parsed and validated, once per text. */
function parsed(release: Release, query: string) {
  const key = `${release} ${query}`;
  const known = documents.get(key);
  if (known !== undefined) return known;
  const fresh = read(release, query);
  if (documents.size > 300) documents.clear();
  documents.set(key, fresh);
  return fresh;
}

function read(release: Release, query: string) {
  try {
    const document = parse(query);
    return { document, errors: validate(schemaOf(release), document) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { document: null, errors: [error] };
  }
}

function prepare(release: Release, asked: Asked): Ready | ShopAnswer {
  const { document, errors } = parsed(release, asked.query);
  if (document === null || errors.length > 0) return errorsAnswer(errors.map((error) => error.toJSON()));
  const operation = operationOf(document, asked.operationName);
  if (operation === null) return oneError('No operation of that name', 'BAD_REQUEST');
  const schema = schemaOf(release);
  const variables = getVariableValues(schema, operation.variableDefinitions ?? [], asked.variables);
  if (variables.errors !== undefined) return errorsAnswer(variables.errors.map(shownError));
  const costed: Costed = { schema, document, operation, variables: variables.coerced };
  const cost = requestedCost(costed);
  if (cost <= maxCost) return { ...costed, release, cost, given: asked.variables };
  return oneError(
    `Query cost is ${cost}, which exceeds the single query max cost limit (${maxCost}).\n\nSee ${documentation} for more information on how the\ncost of a query is calculated.`,
    'MAX_COST_EXCEEDED',
    { cost, maxCost, documentation },
  );
}

function operationOf(document: DocumentNode, name: string | null): OperationDefinitionNode | null {
  const operations = document.definitions.filter(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (name !== null) return operations.find((operation) => operation.name?.value === name) ?? null;
  return operations.length === 1 ? (operations[0] ?? null) : null;
}

function rootFields(ready: Ready): FieldNode[] {
  return ready.operation.selectionSet.selections.filter(
    (selection): selection is FieldNode => selection.kind === Kind.FIELD,
  );
}

/** A request that the write faults may strike. */
function writesStock(ready: Ready): boolean {
  return (
    ready.operation.operation === 'mutation' &&
    rootFields(ready).some(({ name }) =>
      ['inventorySetQuantities', 'inventoryAdjustQuantities', 'inventoryActivate'].includes(name.value),
    )
  );
}

function keyIn(ready: Ready): string | null {
  const directive = ready.schema.getDirective('idempotent');
  if (directive === null || directive === undefined) return null;
  for (const field of rootFields(ready)) {
    try {
      const key = getDirectiveValues(directive, field, ready.variables)?.['key'];
      if (typeof key === 'string') return key;
    } catch {
      return null;
    }
  }
  return null;
}

/** SHP-7: outside 200 `errors` is a plain string. */
function refused(status: number, errors: string): ShopAnswer {
  return jsonAnswer(status, { errors });
}

function oneError(message: string, code: string, more: Record<string, unknown> = {}): ShopAnswer {
  return errorsAnswer([{ message, extensions: { code, ...more } }]);
}

function errorsAnswer(errors: unknown[]): ShopAnswer {
  return jsonAnswer(200, { errors });
}

function shownError(error: GraphQLError) {
  const shown = error.toJSON();
  if (shown.extensions !== undefined) return shown;
  const code = shown.path === undefined ? 'INVALID_VARIABLE' : 'INTERNAL_SERVER_ERROR';
  return { ...shown, extensions: { code } };
}
