/** The value where there is one; else throws what `problem` makes. */
export function found<Value>(value: Value | undefined, problem: () => Error): Value {
  if (value === undefined) throw problem();
  return value;
}

/** The object in an untyped value; empty for anything else. */
export function tableOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The list in an untyped value; empty for anything else. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The text in an untyped value; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
