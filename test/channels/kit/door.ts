import type { Channel, ChannelDeps, PushLine } from '../../../src/channels/channel.ts';
import type { Call, Reply } from '../../kit/stage.ts';

/**
 * How an adapter is opened at a scripted platform, for the suites that all adapters share: what is the platform's in
 * tokens, refusals and writes.
 */
export interface Door {
  type: string;
  definition: {
    config: { parse(value: unknown): never };
    create(config: never, deps: ChannelDeps): Channel;
  };
  /** A sound configuration, at the address of the platform. */
  config: Record<string, unknown> | ((url: string) => Record<string, unknown>);
  /** The key whose change means another account's tokens; default: the first that is a secret. */
  credential?: string;
  /** Answers all that a push of `line` and `identity` ask for, well; undefined: not known here. */
  good(call: Call): Reply | undefined;
  /** A line whose number is there, so that it is written. */
  line: PushLine;
  /** Is this the request that writes the line's number? */
  isWrite(call: Call): boolean;
  /** A refusal for the rate with this header. */
  limited(headers: Record<string, string>): Reply;
  /** Null: the platform has no tokens that are asked for. */
  tokens: {
    isGrant(call: Call): boolean;
    /** The grant of a token that lives so long from `now` (the platform's clock, ms). */
    grant(token: string, lifeSeconds: number, now: number): Reply;
    tokenIn(call: Call): string | undefined;
    /** A token was good and is refused now. */
    refused: Reply;
    /** The credentials are refused. */
    denied: Reply;
  } | null;
}
