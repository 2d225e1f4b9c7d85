import type { Channel, HookRequest, Receipt } from '../../src/channels/channel.ts';

/** What `receive` decides in the end. Its handshake may have a call that completes it. */
export type Verdict =
  | Exclude<Receipt, { kind: 'needs' | 'handshake' }>
  | { kind: 'handshake'; status: number; body: string; contentType: string; complete(): Promise<void> };

const calm = new AbortController().signal;

/** What a channel decides about a call, once it has loaded the keys that it asks for. */
export async function receiveWhole(channel: Channel, request: HookRequest): Promise<Verdict> {
  const receipt = channel.receive(request);
  if (receipt.kind !== 'needs') return verdictOf(receipt);
  await receipt.load(calm);
  return verdictOf(channel.receive(request));
}

function verdictOf(receipt: Receipt): Verdict {
  if (receipt.kind === 'needs') throw new Error('asks for keys again after they were loaded');
  if (receipt.kind !== 'handshake') return receipt;
  const { kind, status, body, contentType } = receipt;
  const complete = async () => receipt.complete?.(calm);
  return { kind, status, body, contentType, complete };
}
