import { z } from 'zod';
import type { Json } from '../channel.ts';

const schema = z.object({
  /** The shop keeps a number for this listing, its own or its parent's. */
  managed: z.boolean(),
  /** The variable product of a variation. */
  parentId: z.string().nullable(),
});

/** What discovery stores about a listing. */
export type Facts = z.infer<typeof schema>;

/** Facts that were stored earlier; those of another shape count as managed, the safer reading. */
export function parseFacts(facts: Json): Facts {
  const parsed = schema.safeParse(facts);
  return parsed.success ? parsed.data : { managed: true, parentId: null };
}

/** `93` or `93/94` apart. */
export function idsOf(listingId: string): { id: string; parentId: string | null } {
  const [first = '', second] = listingId.split('/');
  return second === undefined ? { id: first, parentId: null } : { id: second, parentId: first };
}
