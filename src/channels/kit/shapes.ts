import { z } from 'zod';

/** Shapes of what platforms answer, where one odd field must not cost the whole row. */

/** What has the shape, or null whatever else is there. */
export function maybe<T extends z.ZodType>(shape: T) {
  return shape.nullish().catch(null);
}

export const Text = maybe(z.string());

/** A whole number. */
export const Whole = maybe(z.int());

export const Flag = maybe(z.boolean());

/** An id as text: platforms write the same one as text here and as a number there. */
export const Id = z.union([z.string().min(1).max(200), z.int().nonnegative()]).transform(String);

export const MaybeId = maybe(Id);

/** The rows of a list; none when it is missing. A row without the shape spoils the answer. */
export function allOf<T>(row: z.ZodType<T>): z.ZodType<T[]> {
  return z
    .array(row)
    .nullish()
    .transform((rows) => rows ?? []);
}

/** Those rows of a list that have the shape; none when it is no list. */
export function rowsOf<T>(row: z.ZodType<T>): z.ZodType<T[]> {
  return z
    .array(z.unknown())
    .nullish()
    .catch(null)
    .transform((rows) => (rows ?? []).flatMap((each) => row.safeParse(each).data ?? []));
}

/** Where error bodies have words for people, and codes. */
const telling = new Set(['code', 'error', 'error_description', 'message', 'description', 'attribute']);
/** Lists and objects that hold them. */
const holding = new Set(['errors', 'error']);

/** Words of an error body whose form is not published: those of the usual fields, in their order, joined by `; `. */
export function wordsIn(body: unknown): string {
  return partsIn(body).filter(Boolean).join('; ');
}

function partsIn(body: unknown): string[] {
  if (Array.isArray(body)) return body.flatMap(partsIn);
  if (typeof body !== 'object' || body === null) return [];
  const own = Object.entries(body)
    .filter(([key, value]) => telling.has(key) && ['string', 'number'].includes(typeof value))
    .map(([, value]) => String(value));
  const inner = Object.entries(body)
    .filter(([key]) => holding.has(key))
    .flatMap(([, value]) => partsIn(value));
  return [...inner, own.join(' ')];
}
