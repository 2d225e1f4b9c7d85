import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  buildClientSchema,
  type GraphQLSchema,
  getNamedType,
  type IntrospectionQuery,
  NoDeprecatedCustomRule,
  parse,
  specifiedRules,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { scopes } from '../../../src/channels/shopify/capabilities.ts';
import { documents } from '../../../src/channels/shopify/documents.ts';
import { shopify } from '../../../src/channels/shopify/index.ts';
import { apiVersions } from '../../../src/channels/shopify/schema.ts';

const root = resolve(import.meta.dirname, '../../..');
const shared = [process.env['INVSYNC_SHARED'], join(root, '../shared')].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'contracts/shopify')),
);

interface ScopeItem {
  type: 'field' | 'type';
  typeName: string;
  fieldName?: string;
  offlineScopes: string[];
}

interface Contract {
  schema: GraphQLSchema;
  scopes: ScopeItem[];
}

function contractOf(version: string): Contract {
  const file = join(shared ?? '', `contracts/shopify/admin_${version}.json.gz`);
  const json = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as {
    data: IntrospectionQuery;
    offline_scopes: { items: ScopeItem[] };
  };
  return { schema: buildClientSchema(json.data), scopes: json.offline_scopes.items };
}

test('every document carries the operation name that it is sent under', () => {
  for (const [name, text] of Object.entries(documents)) {
    const [definition, ...more] = parse(text).definitions;
    expect(more, name).toEqual([]);
    expect(definition?.kind === 'OperationDefinition' && definition.name?.value, name).toBe(name);
  }
});

test('every stock mutation carries the idempotency directive with its key', () => {
  expect(documents.SetQuantities).toContain('@idempotent(key: $key)');
  expect(documents.Activate).toContain('@idempotent(key: $key)');
});

test('no document uses the scheduled inventory changes that 2026-07 removed', () => {
  expect(Object.values(documents).join('\n')).not.toMatch(/schedul/i);
});

test('a draft lowers the number without an order, so the order lag has no declared bound', () => {
  expect(shopify.capabilities.orderLagMs).toBeNull();
  expect(shopify.capabilities).toMatchObject({
    basis: 'net',
    restoresOnCancel: true,
    compareAndSet: 'native',
  });
});

describe.skipIf(shared === undefined)('the official Admin schema (needs the shared material)', () => {
  for (const version of apiVersions) {
    test(`every document validates on ${version} without a deprecated field`, () => {
      const { schema } = contractOf(version);
      for (const [name, text] of Object.entries(documents)) {
        const problems = validate(schema, parse(text), [...specifiedRules, NoDeprecatedCustomRule]);
        expect(
          problems.map((problem) => problem.message),
          name,
        ).toEqual([]);
      }
    });
  }

  test('a document with an unknown or a deprecated field is caught by the same rules', () => {
    const { schema } = contractOf('2026-10');
    const rules = [...specifiedRules, NoDeprecatedCustomRule];
    expect(validate(schema, parse('{ shop { nothing } }'), rules)).toHaveLength(1);
    expect(
      validate(
        schema,
        parse('{ order(id: "1") { lineItems(first: 1) { nodes { fulfillableQuantity } } } }'),
        rules,
      ),
    ).toHaveLength(1);
  });

  test('the declared scopes suffice for every field that is asked for', () => {
    const { schema, scopes: items } = contractOf('2026-10');
    const held = new Set<string>([...scopes.needed, ...scopes.optional]);
    const demands = new Map(
      items.map((item) => [`${item.typeName}.${item.fieldName ?? ''}`, item.offlineScopes]),
    );
    const missing: string[] = [];
    const check = (name: string, key: string): void => {
      const demand = demands.get(key) ?? [];
      if (demand.length > 0 && !demand.some((scope) => held.has(scope)))
        missing.push(`${name}: ${key} needs ${demand.join(' or ')}`);
    };
    for (const [name, text] of Object.entries(documents)) {
      const info = new TypeInfo(schema);
      visit(
        parse(text),
        visitWithTypeInfo(info, {
          Field: (node) => {
            const parent = info.getParentType()?.name ?? '';
            const type = info.getType();
            check(name, `${parent}.${node.name.value}`);
            if (type) check(name, `${getNamedType(type).name}.`);
          },
        }),
      );
    }
    expect(missing).toEqual([]);
  });

  test('no document can ask for more than 1,000 points when every node counts', () => {
    const { schema } = contractOf('2026-10');
    const variables: Record<string, number> = { OrdersChanged: 25, OrdersCreated: 25, Listings: 60 };
    const lists: Record<string, number> = { OrdersById: 25, Levels: 250 };
    for (const [name, text] of Object.entries(documents)) {
      if (text.startsWith('mutation')) continue;
      expect(
        costOf(schema, text, { first: variables[name] ?? 0, ids: lists[name] ?? 1 }),
        name,
      ).toBeLessThanOrEqual(1000);
    }
  });
});

/** Requested cost by the rule of SHP-7: scalars 0, objects 1, connections sized by `first`, lists taken as one. */
function costOf(schema: GraphQLSchema, text: string, given: { first: number; ids: number }): number {
  const info = new TypeInfo(schema);
  const factors = [1];
  let cost = 0;
  visit(
    parse(text),
    visitWithTypeInfo(info, {
      Field: {
        enter: (node) => {
          const size = node.arguments?.find((argument) => argument.name.value === 'first')?.value;
          const first = size === undefined ? 1 : size.kind === 'IntValue' ? Number(size.value) : given.first;
          const here = node.name.value === 'nodes' && factors.length === 1 ? given.ids : first;
          const factor = factors.at(-1) ?? 1;
          if (node.name.value === 'pageInfo') cost += factors.at(-2) ?? 1;
          else if (node.selectionSet !== undefined && node.name.value !== 'nodes') cost += factor * here;
          else if (node.name.value === 'nodes' && factors.length === 1) cost += given.ids;
          factors.push(factor * here);
        },
        leave: () => {
          factors.pop();
        },
      },
    }),
  );
  return cost;
}
