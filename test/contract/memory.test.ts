import { memory } from '../../src/channels/memory/index.ts';
import { inHeader } from './bench.ts';
import { channelSuite } from './channel.ts';
import { createMemoryShop } from './memory-shop.ts';

channelSuite('memory', (options) => {
  const shop = createMemoryShop(options);
  return {
    definition: memory,
    shop,
    settle: shop.settle,
    signature: inHeader('x-memory-signature'),
    keys: { webhook: 'secret', credential: null },
    foreignFault: null,
    signing: { forged: [] },
    furnish: async () => ({ unwritable: ['SET-1'], ambiguous: ['TWICE'], shared: ['TWIN'] }),
    handshake: { answer: 'abc', by: { method: 'GET', query: 'challenge=abc' } },
  };
});
