import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HookRequest } from '../../src/channels/channel.ts';
import type { Verdict } from './verdict.ts';

type Handshake = Extract<Verdict, { kind: 'handshake' }>;

/** A place for deliveries: keeps each call as the public listener would hand it to the adapter. */
export interface Listener {
  /** `http://127.0.0.1:<port>/hooks/<name>/<segment>` */
  url: string;
  got: HookRequest[];
  /** Calls that only tried an address; they were answered as the adapter says, whatever `status` is. */
  tried: HookRequest[];
  /** Status of the answers to all other calls from now on. */
  status: number;
  /** The adapter's answer to a call that only tries the address; null: it is none. */
  trial(request: HookRequest): Promise<Handshake | null>;
  clear(): void;
  stop(): Promise<void>;
}

/** Listens on loopback below `/hooks/<name>`; until `trial` is set no call is taken for a trial. */
export async function startListener(name: string): Promise<Listener> {
  const prefix = `/hooks/${name}`;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on(
      'end',
      () => void answer(listener, hookRequest(request, prefix, Buffer.concat(chunks)), response),
    );
  });
  const listener: Listener = {
    url: '',
    got: [],
    tried: [],
    status: 200,
    trial: async () => null,
    clear() {
      listener.got.length = 0;
      listener.tried.length = 0;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listener.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}/s3gment`;
  return listener;
}

function hookRequest(request: IncomingMessage, prefix: string, body: Buffer): HookRequest {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  return {
    method: request.method ?? '',
    path: path.slice(prefix.length),
    query,
    headers: Object.fromEntries(
      Object.entries(request.headersDistinct).map(([key, values]) => [key, (values ?? []).join(', ')]),
    ),
    body,
    receivedAt: Date.now(),
  };
}

/** What `receive` throws is for the tests that call it themselves. */
async function answer(listener: Listener, request: HookRequest, response: ServerResponse): Promise<void> {
  const handshake = await listener.trial(request).catch(() => null);
  if (handshake === null) {
    listener.got.push(request);
    response.writeHead(listener.status).end();
    return;
  }
  listener.tried.push(request);
  response.writeHead(handshake.status, { 'content-type': handshake.contentType }).end(handshake.body);
  await handshake.complete().catch(() => undefined);
}
