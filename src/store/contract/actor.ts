/** Who did it and why; on every change made by hand. */
export interface Actor {
  by: string;
  reason: string | null;
}
