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

/** Every eighth delivery is sent a second time although it was acknowledged; a failed one again after a moment. */
export function startSender(url: string, perSecond: number, make: (n: number) => Signed): Sender {
  const sent = new Map<string, Signed>();
  const acknowledged = new Map<string, Signed>();
  const under = new Set<Promise<void>>();
  const again: { at: number; signed: Signed }[] = [];
  const began = performance.now();
  let made = 0;
  let duplicates = 0;
  let failures = 0;
  let ended = false;

  const send = async (signed: Signed): Promise<void> => {
    const { status, text } = await post(url, signed);
    if (status >= 200 && status < 300) {
      if (text.includes('"duplicate"')) duplicates += 1;
      const first = !acknowledged.has(signed.key);
      acknowledged.set(signed.key, signed);
      if (first && acknowledged.size % 8 === 0) again.push({ at: performance.now() + 30, signed });
      return;
    }
    failures += 1;
    again.push({ at: performance.now() + 150, signed });
  };
  const launch = (signed: Signed): void => {
    const running = send(signed).finally(() => under.delete(running));
    under.add(running);
  };
  const tick = () => {
    const now = performance.now();
    while (!ended && made < ((now - began) / 1_000) * perSecond) {
      const signed = make(made);
      made += 1;
      sent.set(signed.key, signed);
      launch(signed);
    }
    for (let index = again.length - 1; index >= 0; index -= 1) {
      const next = again[index];
      if (next === undefined || next.at > now) continue;
      again.splice(index, 1);
      launch(next.signed);
    }
  };
  const timer = setInterval(tick, 5);
  const quiet = async () => {
    clearInterval(timer);
    ended = true;
    await Promise.all(under);
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
      while (acknowledged.size < sent.size || again.length > 0) {
        if (performance.now() > until) {
          await quiet();
          throw new Error(`${sent.size - acknowledged.size} deliveries were never acknowledged`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await quiet();
    },
  };
}
