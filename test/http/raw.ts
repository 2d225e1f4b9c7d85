import { connect } from 'node:net';

/** What came back on a raw connection until it was closed, or until `complete` was satisfied. */
export interface RawAnswer {
  text: string;
  /** Status codes in order. */
  statuses: number[];
}

/** Sends bytes as they are and reads until the far side closes or enough answers are there. */
export function raw(
  url: string,
  chunks: (string | Buffer)[],
  options: { answers?: number; end?: boolean } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ''));
    const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]));
    const done = () => {
      socket.destroy();
      resolve({ text, statuses: statuses() });
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const finals = statuses().filter((status) => status >= 200).length;
      if (finals >= (options.answers ?? 1) && /\r\n\r\n/.test(text)) done();
    });
    socket.on('close', done);
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      const send = (index: number): void => {
        const chunk = chunks[index];
        if (chunk === undefined) {
          if (options.end === true) socket.end();
          return;
        }
        socket.write(chunk, () => setImmediate(() => send(index + 1)));
      };
      send(0);
    });
  });
}
