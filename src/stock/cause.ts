/** Why a counter shows what it shows. */
export const causes = [
  'in sync',
  'in flight',
  'missed sale',
  'lost push',
  'foreign edit',
  'unexplained low',
  'uncounted',
  'exposed',
  'not listed',
  'unverifiable',
] as const;
export type Cause = (typeof causes)[number];
