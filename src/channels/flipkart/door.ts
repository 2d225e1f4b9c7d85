import type { ChannelDeps, HookRequest } from '../channel.ts';
import type { TimeForm } from './signature.ts';

/** What the listener knows beforehand, because it answers without looking anything up. */
export interface Door {
  /** Addresses for which a call to this path may be signed; undefined: must be loaded first. */
  addressesFor(request: HookRequest): string[] | undefined;
  load(): Promise<void>;
  /** The address that was asked for at Flipkart, as it stands in the store. */
  enrolled(): Promise<string | null>;
  /** Null forgets it. */
  enrol(url: string | null): Promise<void>;
  /** Notes the form of a good signature; says so when it is another one than before (FK-2.4). */
  noteForm(form: TimeForm): void;
}

const vaultKey = 'notification address';
/** Another process may enrol anew. */
const believedMs = 60_000;

/**
 * The signature names the address as Flipkart knows it, which behind a proxy is not the one that Node sees: it comes from
 * the configuration or from what was enrolled, and never from the Host header (FK-2.4).
 */
export function createDoor(deps: ChannelDeps): Door {
  let known: { url: string; readAt: number } | null = null;
  let lastForm: TimeForm | null = null;
  return {
    addressesFor({ path, query }) {
      const below = `/hooks/${deps.name}${path}${query === '' ? '' : `?${query}`}`;
      if (known === null || deps.clock.now() - known.readAt > believedMs) return undefined;
      const own = deps.publicUrl === null ? [] : [`${deps.publicUrl}${below}`];
      return known.url.endsWith(below) ? [...new Set([...own, known.url])] : own;
    },
    async load() {
      known = { url: (await deps.vault.get(vaultKey)) ?? '', readAt: deps.clock.now() };
    },
    enrolled: async () => (await deps.vault.get(vaultKey)) || null,
    async enrol(url) {
      await deps.vault.set(vaultKey, url ?? '');
      known = { url: url ?? '', readAt: deps.clock.now() };
    },
    noteForm(form) {
      if (form === lastForm) return;
      if (lastForm !== null)
        deps.log.warn(
          { before: lastForm, now: form },
          'notifications are signed in another form than before',
        );
      lastForm = form;
    },
  };
}
