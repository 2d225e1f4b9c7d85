import { memory } from '../../src/channels/memory/index.ts';
import { channelSuite } from './channel.ts';
import { createMemoryShop } from './memory-shop.ts';

channelSuite('memory', (options) => {
  const shop = createMemoryShop(options);
  return {
    definition: memory,
    shop,
    settle: shop.settle,
    signatureHeader: 'x-memory-signature',
    keys: { webhook: 'secret', credential: null },
    foreignFault: null,
    furnish: async () => ({ unwritable: ['SET-1'], ambiguous: ['TWIN'], shared: ['TWIN'] }),
    handshake: { method: 'GET', query: 'challenge=abc', answer: 'abc' },
  };
});
