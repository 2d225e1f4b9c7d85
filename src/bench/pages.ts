import { createServer } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { portOf } from './ports.ts';
import type { Verbs } from './role.ts';

/** Every reading answer that a shop gave while the daemon reconciled, as it went over the wire. */
let kept: { body: Buffer; type: string }[] = [];

/** A proxy before a shop that keeps the answers to its readings and serves them again at `/kept/<n>`. */
export const proxyVerbs: Verbs = {
  start: async (args) => {
    const { target } = z.object({ target: z.string() }).parse(args);
    const agent = new Agent({ pipelining: 1 });
    const listening = createServer((incoming, outgoing) => {
      const again = /^\/kept\/(\d+)$/.exec(incoming.url ?? '');
      if (again !== null) {
        const page = kept[Number(again[1])];
        outgoing.writeHead(page === undefined ? 404 : 200, { 'content-type': page?.type ?? 'text/plain' });
        outgoing.end(page?.body ?? '');
        return;
      }
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of incoming) parts.push(part as Buffer);
        const { host: _host, connection: _connection, ...headers } = incoming.headers;
        const answer = await request(`${target}${incoming.url ?? '/'}`, {
          dispatcher: agent,
          method: (incoming.method ?? 'GET') as 'GET',
          headers,
          body: parts.length > 0 ? Buffer.concat(parts) : null,
        });
        const body = Buffer.from(await answer.body.arrayBuffer());
        const type = String(answer.headers['content-type'] ?? '');
        if (incoming.method === 'GET' && answer.statusCode === 200) kept.push({ body, type });
        outgoing.writeHead(answer.statusCode, answer.headers);
        outgoing.end(body);
      })().catch(() => outgoing.destroy());
    });
    return portOf(listening);
  },
  forget: async () => {
    kept = [];
    return null;
  },
  count: async () => kept.length,
};

const readArgs = z.object({ port: z.int(), pages: z.int(), dir: z.string() });
const rows = z.array(z.looseObject({ id: z.int(), parent_id: z.int().optional() }));

/** The limit of a reconcile: the same pages off the wire, parsed, with one indexed read per listing and nothing else. */
export const readerVerbs: Verbs = {
  /** CPU seconds of this process. */
  read: async (args) => {
    const { port, pages, dir } = readArgs.parse(args);
    const db = new Database(join(dir, 'invsync.db'), { readonly: true });
    const find = db.prepare('select * from listing where channel_id = ? and listing_id = ?');
    const { id: channel } = db.prepare("select id from channel where type <> 'internal'").get() as {
      id: number;
    };
    const agent = new Agent({ pipelining: 1 });
    const began = process.cpuUsage();
    let found = 0;
    for (let n = 0; n < pages; n += 1) {
      const answer = await request(`http://127.0.0.1:${port}/kept/${n}`, { dispatcher: agent });
      const page = rows.safeParse(JSON.parse(await answer.body.text()));
      for (const { id, parent_id: parent = 0 } of page.data ?? []) {
        const listing = parent === 0 ? String(id) : `${parent}/${id}`;
        if (find.get(channel, listing) !== undefined) found += 1;
      }
    }
    const { user, system } = process.cpuUsage(began);
    db.close();
    await agent.close();
    return { cpu: (user + system) / 1e6, found };
  },
};
