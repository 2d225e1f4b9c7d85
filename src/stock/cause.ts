/** Why a counter shows what it shows. */
export type Cause =
  | 'in sync'
  | 'in flight'
  | 'missed sale'
  | 'lost push'
  | 'foreign edit'
  | 'unexplained low'
  | 'uncounted'
  | 'exposed'
  | 'not listed'
  | 'unverifiable';
