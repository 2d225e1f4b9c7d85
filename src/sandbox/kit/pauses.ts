/** Waits of a shop before it answers. */
export interface Pauses {
  /** Resolves with true after so long, with false when the shop stops before. */
  pause(ms: number): Promise<boolean>;
  stop(): void;
}

/** Waits that end early, and say so, when the shop stops. */
export function createPauses(): Pauses {
  const open = new Set<() => void>();
  return {
    pause: (ms) =>
      new Promise((resolve) => {
        const end = (whole: boolean) => {
          clearTimeout(timer);
          open.delete(cut);
          resolve(whole);
        };
        const cut = () => end(false);
        const timer = setTimeout(() => end(true), ms);
        open.add(cut);
      }),
    stop() {
      for (const cut of [...open]) cut();
    },
  };
}
