import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** SHP-7: what one query may cost at most, a mutation's price, and the standard plan's bucket. */
export const maxCost = 1000;
const mutationCost = 10;
/** What a connection costs beside its nodes, as seen in responses (`first: 10` of a bare node is asked 12). */
const connectionCost = 2;
const bucketSize = 2000;
const restorePerSecond = 100;

export interface Costed {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
}

/**
 * The price asked before running: leaf 0, object 1, connection 2 + size x node, mutation 10; of alternative types
 * the dearest. A list of ids is as large as the list; other lists count as one object, since only connections are
 * documented to be sized.
 */
export function requestedCost(costed: Costed): number {
  const root = costed.schema.getRootType(costed.operation.operation);
  if (root === undefined || root === null) return 0;
  return selectionCost(costed, costed.operation.selectionSet, root);
}

/** The price after running: the same rules over what was there. */
export function actualCost(costed: Costed, data: unknown): number {
  const root = costed.schema.getRootType(costed.operation.operation);
  if (root === undefined || root === null || typeof data !== 'object' || data === null) return 0;
  return foundCost(costed, costed.operation.selectionSet, root, data as Record<string, unknown>);
}

function selectionCost(costed: Costed, set: SelectionSetNode, type: GraphQLNamedType): number {
  let own = 0;
  const alternatives = new Map<string, number>();
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      own += fieldCost(costed, selection, type);
      continue;
    }
    const target = fragmentOf(costed, selection);
    const name = target.type ?? type.name;
    const inner = costed.schema.getType(name) ?? type;
    const cost = selectionCost(costed, target.set, inner);
    if (name === type.name || !isAbstractType(type) || isInterfaceType(inner)) own += cost;
    else alternatives.set(name, (alternatives.get(name) ?? 0) + cost);
  }
  return own + Math.max(0, ...alternatives.values());
}

function fieldCost(costed: Costed, field: FieldNode, parent: GraphQLNamedType): number {
  const definition = fieldOf(parent, field.name.value);
  if (definition === undefined) return 0;
  const type = getNamedType(definition.type);
  const base = parent === costed.schema.getMutationType() ? mutationCost : 0;
  if (isLeafType(type) || field.selectionSet === undefined) return base;
  if (type.name === 'PageInfo') return base;
  const inner = selectionCost(costed, field.selectionSet, type);
  if (type.name.endsWith('Connection')) {
    const nodes = size(costed, field, 'first') ?? size(costed, field, 'last') ?? 0;
    return base + connectionCost + nodes * inner;
  }
  if (type.name.endsWith('Edge')) return base + inner;
  const ids = size(costed, field, 'ids');
  return base + (ids ?? 1) * (1 + inner);
}

function foundCost(
  costed: Costed,
  set: SelectionSetNode,
  type: GraphQLNamedType,
  data: Record<string, unknown>,
): number {
  let sum = 0;
  for (const selection of set.selections) {
    if (selection.kind !== Kind.FIELD) {
      const target = fragmentOf(costed, selection);
      const inner = (target.type === undefined ? undefined : costed.schema.getType(target.type)) ?? type;
      if (isObjectType(type) && isObjectType(inner) && inner !== type) continue;
      sum += foundCost(costed, target.set, inner, data);
      continue;
    }
    sum += foundFieldCost(costed, selection, type, data[(selection.alias ?? selection.name).value]);
  }
  return sum;
}

function foundFieldCost(costed: Costed, field: FieldNode, parent: GraphQLNamedType, value: unknown): number {
  const definition = fieldOf(parent, field.name.value);
  if (definition === undefined) return 0;
  const type = getNamedType(definition.type);
  const base = parent === costed.schema.getMutationType() ? mutationCost : 0;
  if (isLeafType(type) || field.selectionSet === undefined || type.name === 'PageInfo') return base;
  const set = field.selectionSet;
  const each = (Array.isArray(value) ? value : [value]).filter(
    (entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null,
  );
  const own = type.name.endsWith('Connection') ? connectionCost : type.name.endsWith('Edge') ? 0 : 1;
  const costs = each.map((entry) => own + foundCost(costed, set, type, entry));
  const sized = parent.name.endsWith('Connection') || size(costed, field, 'ids') !== undefined;
  // A plain list costs one object here as it does when asked, so no query costs more than it asked for.
  if (!sized) return base + Math.max(0, ...costs);
  return base + costs.reduce((sum, cost) => sum + cost, 0);
}

function fieldOf(type: GraphQLNamedType, name: string) {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function fragmentOf(costed: Costed, selection: Exclude<SelectionSetNode['selections'][number], FieldNode>) {
  if (selection.kind === Kind.INLINE_FRAGMENT) {
    return { type: selection.typeCondition?.name.value, set: selection.selectionSet };
  }
  const fragment = costed.document.definitions.find(
    (definition): definition is FragmentDefinitionNode =>
      definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
  );
  return {
    type: fragment?.typeCondition.name.value,
    set: fragment?.selectionSet ?? { kind: Kind.SELECTION_SET as const, selections: [] },
  };
}

/** A number that is given, or the length of a list. */
function size(costed: Costed, field: FieldNode, name: string): number | undefined {
  const value = field.arguments?.find((arg) => arg.name.value === name)?.value;
  if (value?.kind === Kind.INT) return Number(value.value);
  if (value?.kind === Kind.LIST) return value.values.length;
  if (value?.kind !== Kind.VARIABLE) return undefined;
  const given = costed.variables[value.name.value];
  if (Array.isArray(given)) return given.length;
  return typeof given === 'number' ? given : undefined;
}

export type Bucket = ReturnType<typeof createBucket>;

/** The leaky bucket of one app in one shop. Its rate is the plan's, times the time scale. */
export function createBucket(timeScale: number) {
  const perMs = (restorePerSecond * timeScale) / 1000;
  let level = bucketSize;
  let seenAt = Date.now();
  const refill = () => {
    const now = Date.now();
    level = Math.min(bucketSize, level + Math.max(0, now - seenAt) * perMs);
    seenAt = now;
  };
  return {
    /** Takes the points, or nothing and false when too few are there. */
    take(points: number): boolean {
      refill();
      if (level < points) return false;
      level -= points;
      return true;
    },
    giveBack(points: number) {
      refill();
      level = Math.min(bucketSize, level + points);
    },
    drain() {
      refill();
      level = 0;
    },
    status() {
      refill();
      return {
        maximumAvailable: bucketSize,
        currentlyAvailable: Math.floor(level),
        restoreRate: restorePerSecond * timeScale,
      };
    },
  };
}
