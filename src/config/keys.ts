import { z } from 'zod';

/** One key of a schema, as help and redaction need it. */
export interface KeyInfo {
  name: string;
  help: string;
  secret: boolean;
  required: boolean;
  /** The keys of its value, where that is a table of its own. */
  inner: KeyInfo[];
}

/** Names that give a secret away even when a schema forgot to mark it, or when no schema is known. */
const secretName = /(^|_)(token|secret|password|passphrase|key|keys|credentials)$/;

/**
 * The keys of an object schema in their order, also through wrappers, transforms and unions of objects. `secret` is
 * the schema's `.meta({ secret: true })` anywhere inside the key, or the look of its name. Empty for other schemas.
 */
export function keysOf(schema: z.ZodType): KeyInfo[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).map(([name, value]) => describeKey(name, value as z.ZodType));
  }
  const found = new Map<string, KeyInfo>();
  for (const key of inside(schema).flatMap(keysOf)) {
    if (!found.has(key.name)) found.set(key.name, key);
  }
  return [...found.values()];
}

/** Should a value under this key be hidden? */
export function isSecretKey(name: string, keys: readonly KeyInfo[]): boolean {
  return keys.some((key) => key.name === name && key.secret) || secretName.test(name);
}

/** The keys of the table under a key; none where its value is no table. */
export function innerKeys(name: string, keys: readonly KeyInfo[]): KeyInfo[] {
  return keys.find((key) => key.name === name)?.inner ?? [];
}

/** Names of the keys that hold a secret themselves, at any depth, also below names that people choose. */
export function secretNamesIn(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([name, value]) => {
      const below = secretNamesIn(value as z.ZodType);
      return isSecretLeaf(value as z.ZodType) ? [name, ...below] : below;
    });
  const values = schema instanceof z.ZodRecord ? [schema.valueType as z.ZodType] : inside(schema);
  return values.flatMap(secretNamesIn);
}

function isSecretLeaf(schema: z.ZodType): boolean {
  return schema.meta()?.['secret'] === true || inside(schema).some(isSecretLeaf);
}

function describeKey(name: string, schema: z.ZodType): KeyInfo {
  const required = !schema.safeParse(undefined).success;
  return { name, help: helpOf(schema), secret: holdsSecret(schema), required, inner: keysOf(schema) };
}

function helpOf(schema: z.ZodType): string {
  if (schema.description !== undefined) return schema.description;
  return (
    inside(schema)
      .map(helpOf)
      .find((help) => help !== '') ?? ''
  );
}

function holdsSecret(schema: z.ZodType): boolean {
  if (schema.meta()?.['secret'] === true) return true;
  const children = schema instanceof z.ZodObject ? Object.values(schema.shape) : inside(schema);
  return children.some((child) => holdsSecret(child as z.ZodType));
}

/** The schemas that a wrapper is about. */
function inside(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodPipe) return [schema.in as z.ZodType, schema.out as z.ZodType];
  if (schema instanceof z.ZodUnion) return schema.options as z.ZodType[];
  if (schema instanceof z.ZodIntersection)
    return [schema.def.left as z.ZodType, schema.def.right as z.ZodType];
  if (schema instanceof z.ZodArray) return [schema.element as z.ZodType];
  const wraps =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly;
  return wraps ? [schema.unwrap() as z.ZodType] : [];
}
