import type { z } from 'zod';

type Table = Record<string, unknown>;

/**
 * Parses a table and, where keys are wrong, once more without them, so that the rules between values can still be
 * checked on the rest and all problems come out in one run. `value` is null only when a required key is at fault.
 */
export function parseLeniently<T>(
  schema: z.ZodType<T>,
  table: Table,
): { value: T | null; issues: readonly z.core.$ZodIssue[] } {
  const first = schema.safeParse(table);
  if (first.success) return { value: first.data, issues: [] };
  const rest = structuredClone(table);
  for (const issue of first.error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    for (const key of keys) remove(rest, [...issue.path, key]);
    if (keys.length === 0) remove(rest, issue.path);
  }
  const second = schema.safeParse(rest);
  return { value: second.success ? second.data : null, issues: first.error.issues };
}

function remove(table: Table, path: readonly PropertyKey[]): void {
  const [key, ...deeper] = path.map(String);
  if (key === undefined) return;
  const inner = table[key];
  if (deeper.length > 0 && isTable(inner)) remove(inner, deeper);
  else delete table[key];
}

/** A table of keys, as opposed to a list, text or nothing. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
