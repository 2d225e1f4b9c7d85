import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  buildClientSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Release, releases, schemaOf } from '../../../src/sandbox/shopify/schema.ts';

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '../../../../shared');
const contracts = join(shared, 'contracts/shopify');

function official(release: Release): GraphQLSchema {
  const json = JSON.parse(
    gunzipSync(readFileSync(join(contracts, `admin_${release}.json.gz`))).toString('utf8'),
  );
  return buildClientSchema(json.data);
}

/** Each way in which `ours` says something that `theirs` does not. */
function differences(ours: GraphQLSchema, theirs: GraphQLSchema): string[] {
  const found: string[] = [];
  for (const type of Object.values(ours.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
    const real = theirs.getType(type.name);
    if (real === undefined || real.constructor !== type.constructor) {
      found.push(`${type.name}: no such type`);
      continue;
    }
    if (isEnumType(type) && isEnumType(real)) {
      for (const { name } of type.getValues()) {
        if (real.getValue(name) === undefined) found.push(`${type.name}.${name}: no such value`);
      }
    }
    if (isUnionType(type) && isUnionType(real)) {
      const names = real.getTypes().map(({ name }) => name);
      for (const { name } of type.getTypes()) if (!names.includes(name)) found.push(`${type.name}: ${name}`);
    }
    if (isInputObjectType(type) && isInputObjectType(real)) {
      if (type.isOneOf !== real.isOneOf) found.push(`${type.name}: oneOf`);
      const fields = real.getFields();
      for (const field of Object.values(type.getFields())) {
        const other = fields[field.name];
        if (String(other?.type) !== String(field.type))
          found.push(`${type.name}.${field.name}: ${field.type}`);
        else if ((other?.defaultValue !== undefined) !== (field.defaultValue !== undefined)) {
          found.push(`${type.name}.${field.name}: default`);
        }
      }
      for (const field of Object.values(fields)) {
        const needed = String(field.type).endsWith('!') && field.defaultValue === undefined;
        if (needed && type.getFields()[field.name] === undefined)
          found.push(`${type.name}.${field.name}: left out`);
      }
    }
    if ((isObjectType(type) && isObjectType(real)) || (isInterfaceType(type) && isInterfaceType(real))) {
      const interfaces = real.getInterfaces().map(({ name }) => name);
      for (const { name } of type.getInterfaces()) {
        if (!interfaces.includes(name)) found.push(`${type.name}: implements ${name}`);
      }
      const fields = real.getFields();
      for (const field of Object.values(type.getFields())) {
        const other = fields[field.name];
        if (String(other?.type) !== String(field.type)) {
          found.push(`${type.name}.${field.name}: ${field.type}, not ${other?.type}`);
          continue;
        }
        for (const arg of field.args) {
          const realArg = other?.args.find(({ name }) => name === arg.name);
          if (String(realArg?.type) !== String(arg.type) || realArg?.defaultValue !== arg.defaultValue) {
            found.push(`${type.name}.${field.name}(${arg.name}: ${arg.type})`);
          }
        }
        for (const arg of other?.args ?? []) {
          const needed = String(arg.type).endsWith('!') && arg.defaultValue === undefined;
          if (needed && !field.args.some(({ name }) => name === arg.name)) {
            found.push(`${type.name}.${field.name}(${arg.name}): left out`);
          }
        }
      }
    }
  }
  const directive = ours.getDirective('idempotent');
  const realDirective = theirs.getDirective('idempotent');
  if (String(directive?.args[0]?.type) !== String(realDirective?.args[0]?.type)) found.push('@idempotent');
  return found;
}

describe.skipIf(!existsSync(contracts))('the sandbox schema (needs the shared material)', () => {
  for (const release of releases) {
    it(`says nothing that the official ${release} schema does not say`, () => {
      expect(differences(schemaOf(release), official(release))).toEqual([]);
    });
  }

  it('takes every document that the shared reference gives', () => {
    const reference = readFileSync(join(shared, 'reference/channels/shopify.md'), 'utf8');
    const documents = [...reference.matchAll(/```graphql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(documents.length).toBeGreaterThan(4);
    for (const release of releases) {
      const problems = documents.flatMap((text) => validate(schemaOf(release), parse(text)));
      expect(problems.map(({ message }) => message)).toEqual([]);
    }
  });

  it('knows the not-stocked code in 2026-07 only, as the official schemas do', () => {
    const has = (schema: GraphQLSchema) => {
      const type = schema.getType('InventorySetQuantitiesUserErrorCode');
      return isEnumType(type) && type.getValue('ITEM_NOT_STOCKED_AT_LOCATION') !== undefined;
    };
    expect([has(schemaOf('2026-07')), has(official('2026-07'))]).toEqual([true, true]);
    expect([has(schemaOf('2026-10')), has(official('2026-10'))]).toEqual([false, false]);
  });
});

describe('the comparison of schemas', () => {
  it('notices a field, an argument and a code that the other side lacks', () => {
    expect(differences(schemaOf('2026-07'), schemaOf('2026-10'))).toEqual([
      'InventorySetQuantitiesUserErrorCode.ITEM_NOT_STOCKED_AT_LOCATION: no such value',
      'InventoryAdjustQuantitiesUserErrorCode.ITEM_NOT_STOCKED_AT_LOCATION: no such value',
    ]);
  });
});
