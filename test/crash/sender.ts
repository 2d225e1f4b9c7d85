import { post, type Signed } from './deliveries.ts';

/** Platforms that send at a fixed rate and repeat whatever was not answered 2xx, as real ones do. */
export interface Sender {
  /** Answered 2xx at least once, by key. */
  readonly acknowledged: ReadonlyMap<string, Signed>;
  /** Everything that was ever sent, by key. */
  readonly sent: ReadonlyMap<string, Signed>;
  /** Answers that said `duplicate`. */
  duplicates(): number;
  /** Calls that were refused or cut. */
  failures(): number;
  /** Ends new deliveries; resolves when every one that was sent has been acknowledged, or rejects after `ms`. */
  finish(ms: number): Promise<void>;
  /** Ends at once. */
  stop(): Promise<void>;
}

/** No new delivery is made while so many wait: on a slow machine the backlog stays one that can be sent. */
const mostWaiting = 1_000;
/** Calls in flight at once. */
const mostAtOnce = 64;
/** After a call without an answer nothing is sent for so long. */
const restMs = 40;

/** Every eighth delivery is sent a second time although it was acknowledged; a failed one until it is. */
export function startSender(url: string, perSecond: number, make: (n: number) => Signed): Sender {
  const sent = new Map<string, Signed>();
  const acknowledged = new Map<string, Signed>();
  const waiting: Signed[] = [];
  const flying = new Set<Promise<void>>();
  const began = performance.now();
  let made = 0;
  let duplicates = 0;
  let failures = 0;
  let restUntil = 0;
  let ended = false;

  const send = async (signed: Signed): Promise<void> => {
    const { status, text } = await post(url, signed);
    if (status >= 200 && status < 300) {
      if (text.includes('"duplicate"')) duplicates += 1;
      const first = !acknowledged.has(signed.key);
      acknowledged.set(signed.key, signed);
      if (first && acknowledged.size % 8 === 0) waiting.push(signed);
      return;
    }
    failures += 1;
    waiting.push(signed);
    if (status === 0) restUntil = performance.now() + restMs;
  };
  const tick = () => {
    const now = performance.now();
    while (!ended && waiting.length < mostWaiting && made < ((now - began) / 1_000) * perSecond) {
      const signed = make(made);
      made += 1;
      waiting.push(signed);
    }
    while (flying.size < mostAtOnce && now >= restUntil) {
      const signed = waiting.shift();
      if (signed === undefined) return;
      sent.set(signed.key, signed);
      const running: Promise<void> = send(signed).finally(() => flying.delete(running));
      flying.add(running);
    }
  };
  const timer = setInterval(tick, 2);
  const quiet = async () => {
    clearInterval(timer);
    ended = true;
    await Promise.all(flying);
  };
  return {
    sent,
    acknowledged,
    duplicates: () => duplicates,
    failures: () => failures,
    stop: quiet,
    async finish(ms) {
      ended = true;
      const until = performance.now() + ms;
      while (flying.size > 0 || waiting.length > 0) {
        if (performance.now() > until) {
          await quiet();
          throw new Error(`${waiting.length} deliveries still wait to be acknowledged`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await quiet();
    },
  };
}
