import type { ShopRequest } from './server.ts';

/** A route of a platform's API; `pattern` is matched against the whole path. */
export interface Patterned {
  method: string;
  pattern: RegExp;
}

/**
 * The route of a path, with what the groups of its pattern matched; the platforms decode paths in different ways, so
 * the path comes as the platform reads it. Else whether the path has routes of other methods.
 */
export function routeOf<Route extends Patterned>(
  routes: readonly Route[],
  { method }: Pick<ShopRequest, 'method'>,
  path: string,
): { route: Route; params: string[] } | 'wrong method' | 'no such path' {
  const fitting = routes.flatMap((route) => {
    const match = route.pattern.exec(path);
    return match === null ? [] : [{ route, params: match.slice(1) }];
  });
  return (
    fitting.find(({ route }) => route.method === method) ??
    (fitting.length > 0 ? 'wrong method' : 'no such path')
  );
}
