import { describe, expect, test } from 'vitest';
import { booksConfig } from '../../src/config/books-config.ts';

const dirOf = async (text: string) =>
  (await booksConfig(text, { file: '/etc/invsync/config.yaml', env: { DATA: '/from/env' } })).dataDir;

describe('where the books lie', () => {
  test.each([
    ['data_dir: /var/lib/invsync\nchannels: {}\n', '/var/lib/invsync'],
    ['data_dir: ./books', '/etc/invsync/books'],
    ['# data\ndata_dir: ../books   \n\n# more\nchannels: {}\n', '/etc/books'],
    ['channels: {}\n', '/etc/invsync/data'],
    ['data_dir: "./quoted dir" # why\n', '/etc/invsync/quoted dir'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how the configuration writes it
    ['data_dir: ${DATA}\n', '/from/env'],
    ['data_dir: ./a # the old one was data_dir: ./b\n', '/etc/invsync/a'],
    ['data_dir: ./one\n\n  two\nchannels: {}\n', '/etc/invsync/one\ntwo'],
    ['{ data_dir: /flow }\n', '/flow'],
    ['"data\\u005fdir": /escaped\n', '/escaped'],
    ['defaults: &d { data_dir: /other }\n', '/etc/invsync/data'],
    ['note: |\n  data_dir: /in/a/text\n', '/etc/invsync/data'],
    ['data_dir: ~\n', '/etc/invsync/data'],
    ['channels: [\ndata_dir: /still/right\n', '/still/right'],
  ])('is as YAML has it, whether a parser was needed or not: %j', async (text, dir) => {
    expect(await dirOf(text)).toBe(dir);
  });

  test('is known beside what is broken, which is told when it is asked for', async () => {
    const from = { file: '/etc/config.yaml', env: {} };
    expect(await (await booksConfig('data_dir: /a\nchannels: [\n', from)).isBroken()).toBe(true);
    expect(await (await booksConfig('data_dir: /a\nchannels: {}\n', from)).isBroken()).toBe(false);
  });
});
