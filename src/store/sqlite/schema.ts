import { books } from './migrations/01-books.ts';
import { alerts } from './migrations/02-alerts.ts';
import { settled } from './migrations/03-settled.ts';
import { growth } from './migrations/04-growth.ts';
import { holds } from './migrations/05-holds.ts';
import { doubts } from './migrations/06-doubts.ts';
import { found } from './migrations/07-found.ts';
import { knownFrom } from './migrations/08-known-from.ts';
import { identity } from './migrations/09-identity.ts';
import { claimByChannel } from './migrations/10-claim-by-channel.ts';
import { accounts } from './migrations/11-accounts.ts';
import { refs } from './migrations/12-refs.ts';
import { telling } from './migrations/13-telling.ts';
import { told } from './migrations/14-told.ts';

/** Numbered migrations, forward only: a step that was published is never changed, a new one goes to the end. */
export const migrations: readonly string[] = [
  books,
  alerts,
  settled,
  growth,
  holds,
  doubts,
  found,
  knownFrom,
  identity,
  claimByChannel,
  accounts,
  refs,
  telling,
  told,
];
