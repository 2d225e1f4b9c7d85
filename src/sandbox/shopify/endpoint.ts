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
import type { Agenda } from '../kit/agenda.ts';
import type { Faults } from '../kit/faults.ts';
import { obeyWrite } from '../kit/ground.ts';
import type { Random } from '../kit/random.ts';
import type { WriteRecord } from '../kit/records.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Auth } from './auth.ts';
import type { Call } from './call.ts';
import { actualCost, type Bucket, type Costed, maxCost, requestedCost } from './cost.ts';
import type { IdempotencyMemory } from './idempotency.ts';
import type { Payload } from './inventory.ts';
import { type Release, releases, schemaOf } from './schema.ts';

export interface EndpointDeps {
  auth: Auth;
  faults: Faults;
  random: Random;
  agenda: Agenda;
  bucket: Bucket;
  memory: IdempotencyMemory<Payload>;
  timeScale: number;
  rootValue(): unknown;
  /** Resolves after so many ms, false when the shop stops meanwhile. */
  pause(ms: number): Promise<boolean>;
}

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
export function createEndpoint(deps: EndpointDeps) {
  const { auth, faults, random, bucket, memory, timeScale } = deps;
  const documents = new Map<string, { document: DocumentNode | null; errors: readonly GraphQLError[] }>();

  const parsed = (release: Release, query: string) => {
    const key = `${release} ${query}`;
    const known = documents.get(key);
    if (known !== undefined) return known;
    const fresh = read(release, query);
    if (documents.size > 300) documents.clear();
    documents.set(key, fresh);
    return fresh;
  };

  /** Faults that strike before the query is looked at; null: none. */
  const early = (requestId: string): ShopAnswer | 'cut' | null => {
    if (faults.hits('auth')) return refused(401, unknownToken);
    if (faults.hits('payment_required')) return refused(402, 'Unavailable Shop');
    if (faults.hits('locked')) return refused(423, 'Locked');
    if (faults.hits('timeout')) return 'cut';
    if (faults.hits('error_500')) {
      const status = random.pick([500, 502, 503]);
      return refused(status, `Internal Server Error. Request ID: ${requestId}`);
    }
    if (faults.hits('internal_error')) {
      return oneError(
        `Internal error. Looks like something went wrong on our end.\nRequest ID: ${requestId} (include this in support requests).`,
        'INTERNAL_SERVER_ERROR',
        { requestId },
      );
    }
    if (faults.hits('access_denied')) {
      return oneError('Access denied for this field. Required access is missing.', 'ACCESS_DENIED');
    }
    return null;
  };

  const throttledAnswer = (cost: number): ShopAnswer => ({
    status: 200,
    body: JSON.stringify({
      errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED', documentation } }],
      extensions: {
        cost: { requestedQueryCost: cost, actualQueryCost: null, throttleStatus: bucket.status() },
      },
    }),
  });

  /** SHP-7: mostly a 200; 429 with Retry-After occurs too. */
  const throttled = (cost: number): ShopAnswer => {
    if (random.chance(0.75)) {
      bucket.drain();
      return throttledAnswer(cost);
    }
    return {
      ...refused(
        429,
        'Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.',
      ),
      headers: { 'Retry-After': (2 / timeScale).toFixed(3) },
    };
  };

  const prepare = (release: Release, asked: Asked): Ready | ShopAnswer => {
    const { document, errors } = parsed(release, asked.query);
    if (document === null || errors.length > 0) return errorsAnswer(errors.map((error) => error.toJSON()));
    const operation = operationOf(document, asked.operationName);
    if (operation === null) return oneError('No operation of that name', 'BAD_REQUEST');
    const schema = schemaOf(release);
    const variables = getVariableValues(schema, operation.variableDefinitions ?? [], asked.variables);
    if (variables.errors !== undefined) return errorsAnswer(variables.errors.map(shownError));
    const costed: Costed = { schema, document, operation, variables: variables.coerced };
    const cost = requestedCost(costed);
    if (cost > maxCost) {
      return oneError(
        `Query cost is ${cost}, which exceeds the single query max cost limit (${maxCost}).\n\nSee ${documentation} for more information on how the\ncost of a query is calculated.`,
        'MAX_COST_EXCEEDED',
        { cost, maxCost, documentation },
      );
    }
    return { ...costed, release, cost, given: asked.variables };
  };

  const run = (ready: Ready): { call: Call; body: string } => {
    const call: Call = { release: ready.release, bulk: false, writes: [] };
    const result = execute({
      schema: ready.schema,
      document: ready.document,
      rootValue: deps.rootValue(),
      contextValue: call,
      variableValues: ready.given,
      operationName: ready.operation.name?.value,
    }) as ExecutionResult;
    const actual = actualCost(ready, result.data);
    bucket.giveBack(Math.max(0, ready.cost - actual));
    const body = {
      ...(result.data === undefined ? {} : { data: result.data }),
      ...(result.errors === undefined ? {} : { errors: result.errors.map(shownError) }),
      extensions: {
        cost: {
          requestedQueryCost: ready.cost,
          actualQueryCost: actual,
          throttleStatus: bucket.status(),
        },
      },
    };
    return { call, body: JSON.stringify(body) };
  };

  const obey = (ready: Ready) => {
    const key = keyIn(ready);
    const writes: WriteRecord[] = [];
    const now = (): ShopAnswer => {
      const { call, body } = run(ready);
      writes.push(...call.writes);
      return { status: 200, body };
    };
    return obeyWrite(deps, {
      run: now,
      late() {
        if (key !== null) memory.hold(key);
        return () => {
          if (key !== null) memory.release(key);
          run(ready);
        };
      },
      failure: () => refused(500, 'Internal Server Error'),
      writes,
    });
  };

  const answer = async (request: ShopRequest, release: Release, requestId: string) => {
    if (faults.hits('token_expiry')) auth.expireGranted();
    if (!auth.accepts(request.headers['x-shopify-access-token'])) return refused(401, unknownToken);
    const slowMs = faults.dueMs('slow');
    if (slowMs !== null && !(await deps.pause(slowMs))) return 'cut';
    const failing = early(requestId);
    if (failing !== null) return failing;
    const asked = askedIn(request);
    if (asked === null) return refusedWith(400, { query: 'Required parameter missing or invalid' });
    const ready = prepare(release, asked);
    if ('status' in ready) return ready;
    if (faults.hits('throttle')) return throttled(ready.cost);
    if (faults.hits('throttled_burst')) bucket.drain();
    if (!bucket.take(ready.cost)) return throttledAnswer(ready.cost);
    const writes = writesStock(ready);
    if (writes && faults.armed().includes('missing_scope')) {
      return oneError('Access denied. Required access: `write_inventory` access scope.', 'ACCESS_DENIED');
    }
    if (!writes) return { status: 200, body: run(ready).body };
    return (await obey(ready)) ?? 'cut';
  };

  return async (request: ShopRequest, version: string): Promise<ShopAnswer | null> => {
    const release = releaseOf(version);
    if (release === null) return refused(404, 'Not Found');
    const requestId = random.hex(32);
    const result = await answer(request, release, requestId);
    if (result === 'cut') {
      request.hangUp();
      return null;
    }
    return {
      ...result,
      headers: { 'X-Shopify-API-Version': release, 'X-Request-Id': requestId, ...result.headers },
    };
  };
}

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
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || !('query' in body)) return null;
  const { query } = body;
  if (typeof query !== 'string') return null;
  const variables = 'variables' in body ? body.variables : null;
  const name = 'operationName' in body ? body.operationName : null;
  return {
    query,
    variables: typeof variables === 'object' && variables !== null ? { ...variables } : {},
    operationName: typeof name === 'string' ? name : null,
  };
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
  return refusedWith(status, errors);
}

function refusedWith(status: number, errors: unknown): ShopAnswer {
  return { status, body: JSON.stringify({ errors }) };
}

function oneError(message: string, code: string, more: Record<string, unknown> = {}): ShopAnswer {
  return errorsAnswer([{ message, extensions: { code, ...more } }]);
}

function errorsAnswer(errors: unknown[]): ShopAnswer {
  return { status: 200, body: JSON.stringify({ errors }) };
}

function shownError(error: GraphQLError) {
  const shown = error.toJSON();
  if (shown.extensions !== undefined) return shown;
  const code = shown.path === undefined ? 'INVALID_VARIABLE' : 'INTERNAL_SERVER_ERROR';
  return { ...shown, extensions: { code } };
}
