import type { Faults } from './faults.ts';

/**
 * The access tokens that a shop has handed out, and whether the next request for one is refused. How a token is asked
 * for, what it is worth and what a refusal looks like is the platform's. Opens without tokens.
 */
export function createTokenDesk<Grant>(now: () => number, faults: Faults) {
  const tokens = new Map<string, { grant: Grant; until: number }>();
  let refusing = false;
  return {
    /** `until`: ms since 1970. */
    keep(token: string, grant: Grant, until: number): void {
      tokens.set(token, { grant, until });
    },
    /** Null: unknown, dead or expired. */
    grantOf(token = ''): Grant | null {
      const known = tokens.get(token);
      return known === undefined || known.until <= now() ? null : known.grant;
    },
    /** The faults of a call that brings a token: `token_expiry`, and `auth`, after which a fresh one is refused too. */
    strike(): void {
      if (faults.hits('token_expiry')) tokens.clear();
      if (!faults.hits('auth')) return;
      tokens.clear();
      refusing = true;
    },
    /** Which of these faults strikes a request for a token, before it is looked at; `auth` refuses it later on. */
    fault<Name extends string>(names: readonly Name[]): Name | null {
      const due = names.find((name) => faults.hits(name)) ?? null;
      if (due === null && faults.hits('auth')) refusing = true;
      return due;
    },
    /** Is this request the one to be refused? Asked once for each. */
    refuses(): boolean {
      const refused = refusing;
      refusing = false;
      return refused;
    },
    forgive(): void {
      refusing = false;
    },
  };
}
