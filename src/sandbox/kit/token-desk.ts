import type { Faults } from './faults.ts';

/**
 * The access tokens that a shop has handed out, and whether the next request for one is refused. How a token is asked
 * for, what it is worth and what a refusal looks like is the platform's.
 */
export interface TokenDesk<Grant> {
  /** `until`: ms since 1970. */
  keep(token: string, grant: Grant, until: number): void;
  /** Null: unknown, dead or expired. */
  grantOf(token: string | undefined): Grant | null;
  /** All tokens die now. */
  expire(): void;
  /** The faults of a call that brings a token: `token_expiry`, and `auth`, after which a fresh one is refused too. */
  strike(): void;
  /** Which of these faults strikes a request for a token, before it is looked at; `auth` refuses it later on. */
  fault<Name extends string>(names: readonly Name[]): Name | null;
  /** Is this request the one to be refused? Asked once for each. */
  refuses(): boolean;
  forgive(): void;
}

/** Opens a desk without tokens. */
export function createTokenDesk<Grant>(now: () => number, faults: Faults): TokenDesk<Grant> {
  let tokens = new Map<string, { grant: Grant; until: number }>();
  let refusing = false;
  return {
    keep: (token, grant, until) => void tokens.set(token, { grant, until }),
    grantOf(token = '') {
      const known = tokens.get(token);
      return known === undefined || known.until <= now() ? null : known.grant;
    },
    expire() {
      tokens = new Map();
    },
    strike() {
      if (faults.hits('token_expiry')) tokens = new Map();
      if (!faults.hits('auth')) return;
      tokens = new Map();
      refusing = true;
    },
    fault(names) {
      const due = names.find((name) => faults.hits(name)) ?? null;
      if (due === null && faults.hits('auth')) refusing = true;
      return due;
    },
    refuses() {
      const refused = refusing;
      refusing = false;
      return refused;
    },
    forgive() {
      refusing = false;
    },
  };
}
