/**
 * Is it the same WordPress site? Scheme, a leading www and the slash at the end do not count (a shop behind a TLS
 * proxy may call itself http); host, port and path do. Clones of a shop differ in them (WOO-9.21).
 */
export function sameSite(a: string, b: string): boolean {
  const left = siteKey(a);
  return left !== null && left === siteKey(b);
}

/** Host, port and path in one canonical text; null when it is no address. */
export function siteKey(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return `${url.host.replace(/^www\./, '')}${url.pathname.replace(/\/+$/, '')}`;
}
