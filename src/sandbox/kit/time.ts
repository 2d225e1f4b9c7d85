/** The one place where a platform's durations are divided by the sandbox's time scale. At least 1 ms. */
export function platformMs(realMs: number, timeScale: number): number {
  return Math.max(1, Math.round(realMs / timeScale));
}
