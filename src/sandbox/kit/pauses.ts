export type Pauses = ReturnType<typeof createPauses>;

/** Waits of a shop before it answers, that end early, and say so, when the shop stops. */
export function createPauses() {
  const open = new Set<() => void>();
  return {
    /** Resolves with true after so long, with false when the shop stops before. */
    pause: (ms: number) =>
      new Promise<boolean>((resolve) => {
        const end = (whole: boolean) => {
          clearTimeout(timer);
          open.delete(cut);
          resolve(whole);
        };
        const cut = () => end(false);
        const timer = setTimeout(() => end(true), ms);
        open.add(cut);
      }),
    stop(): void {
      for (const cut of [...open]) cut();
    },
  };
}
