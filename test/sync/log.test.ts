import { expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';

test('a log line is JSON with its level as a word, its time as ISO 8601, and no secret', () => {
  const lines: string[] = [];
  const log = createLog('info', (line) => lines.push(line));
  log.warn({ channel: 'shop', access_token: 'tok-4711' }, 'careful');
  log.debug({}, 'not told');
  log.child({ channel: 'two' }).error({ error: 'x' }, 'broken');
  expect(lines).toHaveLength(2);
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(first).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    channel: 'shop',
    access_token: '[redacted]',
    msg: 'careful',
  });
  expect(second).toMatchObject({ level: 'error', channel: 'two', msg: 'broken' });
});
