import { describe, expect, test } from 'vitest';
import { csvLine, parseCsv, utf8Of } from '../../src/cli/csv.ts';

const fieldsOf = (text: string) => parseCsv(text).records.map((record) => record.fields);

describe('CSV', () => {
  test.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['\ufeffa,b\n', [['a', 'b']]],
    [
      'a,\n,b\n',
      [
        ['a', ''],
        ['', 'b'],
      ],
    ],
    ['"a,b","c ""d"""\n', [['a,b', 'c "d"']]],
    [
      '"two\r\nlines",2\n3,4',
      [
        ['two\r\nlines', '2'],
        ['3', '4'],
      ],
    ],
    ['a\n\n\r\nb\n', [['a'], ['b']]],
    ['""\n', []],
    ['', []],
  ])('reads %j', (text, expected) => {
    expect(fieldsOf(text)).toEqual(expected);
    expect(parseCsv(text).faults).toEqual([]);
  });

  test('counts lines, those inside quotes too', () => {
    const { records } = parseCsv('a,b\n"x\ny",1\n\nlast,2\n');
    expect(records.map((record) => record.line)).toEqual([1, 2, 5]);
  });

  test.each([
    ['a,b\nx"y,1\nz,2\n', 2, 'a quote in the middle'],
    ['a,b\n"x" y,1\nz,2\n', 2, 'text after the closing quote'],
    ['a,b\nz,2\n"never,1\n', 3, 'never ends'],
    ['a,b\nz,2\nx\ry,1\n', 3, 'carriage return'],
  ])('names the line of a fault and goes on after it: %j', (text, line, message) => {
    const { records, faults } = parseCsv(text);
    expect(faults).toEqual([{ line, message: expect.stringContaining(message) }]);
    expect(records.map((record) => record.fields[0])).toEqual(['a', 'z']);
  });

  test('writes what it reads', () => {
    for (const fields of [
      ['plain', 'with, comma'],
      ['say "hi"', 'two\nlines'],
      [' spaced ', ''],
    ]) {
      expect(fieldsOf(csvLine(fields))).toEqual([fields]);
    }
    expect(csvLine(['a', 1, null])).toBe('a,1,\r\n');
  });

  test('takes no bytes that are not UTF-8', () => {
    expect(() => utf8Of(Buffer.from('M\u00fctze', 'latin1'), 'x.csv')).toThrow('x.csv is not UTF-8 text');
    expect(utf8Of(Buffer.from('Mütze'), 'x.csv')).toBe('Mütze');
  });
});
