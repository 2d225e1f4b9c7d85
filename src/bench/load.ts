import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { signMemory } from '../channels/memory/wire.ts';
import { systemClock } from '../clock.ts';
import { channelName, deliveryKey, orderBody, secret } from './fixture.ts';
import { quantile } from './median.ts';
import type { Verbs } from './role.ts';

/**
 * The senders, in a process of their own: keep-alive connections over raw sockets, one request in flight on each.
 * Bodies are signed beforehand; only the delivery key is written into the request's bytes when it is sent.
 */
const closedArgs = z.object({ port: z.int(), ms: z.number(), connections: z.int() });
const openArgs = closedArgs.extend({ perSecond: z.number() });

const distinctBodies = 2_000;
const keyMark = deliveryKey(0);
let sequence = 0;
let requests: { bytes: Buffer; keyAt: number }[] = [];

export const loadVerbs: Verbs = {
  /** As many deliveries as each connection can get answered. */
  closed: async (args) => {
    const { ms, ...where } = closedArgs.parse(args);
    const lines = await dial(where);
    const until = performance.now() + ms;
    const times: number[] = [];
    const began = performance.now();
    await Promise.all(
      lines.map(async (line) => {
        while (performance.now() < until) {
          const sentAt = performance.now();
          await line.send(nextRequest());
          times.push(performance.now() - sentAt);
        }
      }),
    );
    return summary(lines, times, performance.now() - began);
  },
  /** A fixed rate, whatever the answers do; times count from the moment a delivery was due. */
  open: async (args) => {
    const { ms, perSecond, ...where } = openArgs.parse(args);
    const lines = await dial(where);
    const idle = [...lines];
    const due: number[] = [];
    const times: number[] = [];
    const dispatch = () => {
      while (due.length > 0 && idle.length > 0) {
        // In turn: a connection that never sends anything is closed by the server, as it should be.
        const line = idle.shift();
        const dueAt = due.shift();
        if (line === undefined || dueAt === undefined) return;
        void line.send(nextRequest()).then(() => {
          times.push(performance.now() - dueAt);
          idle.push(line);
          dispatch();
        });
      }
    };
    const began = performance.now();
    let planned = 0;
    while (performance.now() - began < ms) {
      const now = performance.now();
      for (; planned < ((now - began) / 1_000) * perSecond; planned += 1) {
        due.push(began + (planned / perSecond) * 1_000);
      }
      dispatch();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (times.length < planned) await new Promise((resolve) => setTimeout(resolve, 1));
    return summary(lines, times, performance.now() - began);
  },
};

function summary(lines: readonly Line[], times: readonly number[], ms: number) {
  for (const line of lines) line.close();
  return {
    perSecond: (times.length / ms) * 1_000,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    worst: times.reduce((most, time) => Math.max(most, time), 0),
    count: times.length,
  };
}

function prepare(): void {
  if (requests.length > 0) return;
  const placedAt = systemClock.now();
  requests = Array.from({ length: distinctBodies }, (_, n) => {
    const body = orderBody(n, placedAt);
    const head = [
      `POST /hooks/${channelName} HTTP/1.1`,
      'Host: 127.0.0.1',
      'User-Agent: bench',
      'Content-Type: application/json',
      'X-Memory-Topic: order',
      `X-Memory-Id: ${keyMark}`,
      `X-Memory-Signature: ${signMemory(body, secret)}`,
      `Content-Length: ${body.length}`,
      '\r\n',
    ].join('\r\n');
    return { bytes: Buffer.concat([Buffer.from(head, 'latin1'), body]), keyAt: head.indexOf(keyMark) };
  });
  // Keys never repeat, whatever the process before this one sent.
  sequence = (systemClock.now() % 100_000_000) * 10_000;
}

function nextRequest(): Buffer {
  sequence += 1;
  const request = requests[sequence % distinctBodies];
  if (request === undefined) throw new Error('nothing prepared');
  const bytes = Buffer.from(request.bytes);
  bytes.write(deliveryKey(sequence), request.keyAt, 'latin1');
  return bytes;
}

interface Line {
  /** Resolves with the answer; rejects when it is not a 200. */
  send(request: Buffer): Promise<void>;
  close(): void;
}

async function dial({ port, connections }: { port: number; connections: number }): Promise<Line[]> {
  prepare();
  const sockets = Array.from({ length: connections }, () =>
    connect({ port, host: '127.0.0.1', noDelay: true }),
  );
  const lines = sockets.map(lineOn);
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return lines;
}

function lineOn(socket: Socket): Line {
  let waiting: { resolve(): void; reject(error: Error): void } | null = null;
  let text = '';
  const fail = (error: Error) => waiting?.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server hung up')));
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const head = text.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < head + 4 + length) return;
    const answer = text;
    text = '';
    if (answer.startsWith('HTTP/1.1 200 ')) waiting?.resolve();
    else fail(new Error(answer.slice(0, 200)));
  });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => {
      waiting = null;
      socket.destroy();
    },
  };
}
