/** How `invsync --help` groups its commands: by when one needs them. */
const groups: readonly (readonly [heading: string, nouns: readonly string[]])[] = [
  ['To begin:', ['demo', 'init', 'check', 'serve', 'sandbox', 'config', 'completion']],
  ['Every day:', ['status', 'stock', 'reconcile', 'explain', 'accuracy']],
  ['Channels:', ['channels', 'listings', 'webhooks', 'pushes']],
  ['What needs a person, and why:', ['orders', 'oversells', 'reservations', 'alerts', 'events']],
];

/** The heading that a command stands under. */
export function groupOf(noun: string): string {
  return groups.find(([, nouns]) => nouns.includes(noun))?.[0] ?? 'To keep it running:';
}

/** Below the commands. */
export const helpEnd = `New here? invsync demo shows all of it in a minute and needs no account.
More: invsync help environment, exit-codes or formatting`;
