import { describe, expect, test } from 'vitest';
import { likenessOf, normalSku, resemblances, resembles, skuFault, soundSku } from '../../src/stock/sku.ts';

const alike = (a: string, b: string) => resembles(likenessOf(a), likenessOf(b));

describe('what a SKU is', () => {
  test('is kept without the blanks at its ends, in composed form', () => {
    expect(normalSku('SKU123 ')).toBe('SKU123');
    expect(normalSku('\u00a0\tTEE\u3000\r\n')).toBe('TEE');
    expect(normalSku('CAFE\u0301')).toBe('CAF\u00c9');
    expect(normalSku('A  B')).toBe('A  B');
  });

  test.each([
    ['', 'is empty'],
    ['x'.repeat(101), 'is longer than 100 characters'],
    ['A\tB', 'contains a control character'],
    ['A\u2028B', 'contains a control character'],
    ['TEE ', 'begins or ends with a blank'],
    ['A\u200bB', 'contains an invisible character (U+200B)'],
    ['A\u00adB', 'contains an invisible character (U+00AD)'],
    ['A\u3164B', 'contains an invisible character (U+3164)'],
    ['E\u0301', 'is not in composed form (NFC)'],
  ])('%j is no SKU', (text, fault) => {
    expect(skuFault(text)).toBe(fault);
  });

  test('is anything else, up to a hundred characters of any script', () => {
    for (const text of ['A', 'A B', 'a=2', '0017', 'Ünïcode', 'ТЕЕ', '👕', '👕'.repeat(100)])
      expect(skuFault(text)).toBeNull();
  });

  test('is sound after blanks at its ends are gone, or not at all', () => {
    expect(soundSku('TEE ')).toBe('TEE');
    expect(soundSku('A\u200bB')).toBeNull();
    expect(soundSku('   ')).toBeNull();
    expect(soundSku(null)).toBeNull();
  });
});

describe('SKUs that look alike', () => {
  test.each([
    ['abc-1', 'ABC-1', 'case'],
    ['straße', 'STRASSE', 'case, in words'],
    ['17', '0017', 'zeros lost in front'],
    ['90.75', '90.750', 'zeros lost at the end'],
    ['90,75', '90.750', 'a decimal comma'],
    ['17.0', '17', 'a number as a decimal'],
    ['1.00E+05', '1E5', 'an exponent'],
    ['100000', '1E5', 'an exponent written out'],
    ['6.93217E+12', '6932171234567', 'a long number cut short'],
    ['6.93217E+12', '06932171234567', 'a long number cut short that began with zero'],
    ['A B', 'AB', 'a blank'],
    ['A\u00a0B', 'A B', 'a blank that does not break'],
    ['A\u2009B', 'A\u3000B', 'blanks of two widths'],
    ['TEE\u200b', 'TEE', 'a zero-width blank'],
    ['TE\u00adE', 'TEE', 'a soft hyphen'],
    ['\ufeffTEE', 'TEE', 'a byte order mark'],
    ['CAFE\u0301', 'CAF\u00c9', 'composed and not'],
    ['ТЕЕ', 'TEE', 'Cyrillic letters'],
    ['МUG', 'MUG', 'one Cyrillic letter'],
    ['ΤΕΕ', 'TEE', 'Greek letters'],
    ['ＴＥＥ－１', 'TEE-1', 'full-width letters'],
    ['A\u2013B', 'A-B', 'an en dash'],
    ['A\u2212B', 'A-B', 'a minus sign'],
    ['A\u2011B', 'A-B', 'a hyphen that does not break'],
    ["'0017", '0017', 'an apostrophe in front'],
    ['="0017"', '17', 'a formula of text'],
    ['A&amp;B', 'A&B', 'an HTML entity'],
    ['A&amp;amp;B', 'A&B', 'an HTML entity escaped twice'],
    ['A&#8211;B', 'A-B', 'a numeric entity'],
    ['AO1', 'A01', 'O for zero'],
    ['TEE-l', 'TEE-1', 'l for one'],
    ['tıtle', 'TITLE', 'a dotless i'],
  ])('%j and %j: %s', (one, other) => {
    expect(alike(one, other)).toBe(true);
    expect(alike(other, one)).toBe(true);
  });

  test.each([
    ['ABC-1', 'ABC-2'],
    ['17', '170'],
    ['0017', '1700'],
    ['90.75', '9075'],
    ['6932171234567', '6932171999999'],
    ['6.93217E+12', '6932181234567'],
    ['6.93217E+12', '693217'],
    ['TEE-S', 'TEE-M'],
    ['A-1', 'A1'],
    ['TEE-L', 'TEE-1'],
    ['TEE-0', 'TEE-Q'],
    ['ü', 'u'],
    ['', '0'],
  ])('%j and %j are two articles', (one, other) => {
    expect(alike(one, other)).toBe(false);
  });

  test('names for each new SKU the known one that it resembles, never itself', () => {
    const known = ['ABC-1', '0017', 'TEE', '6932171234567'];
    expect(resemblances(['abc-1', '17', 'TEE', 'NEW', '6.93217E+12'], known)).toEqual(
      new Map([
        ['abc-1', 'ABC-1'],
        ['17', '0017'],
        ['6.93217E+12', '6932171234567'],
      ]),
    );
    expect(resemblances([], known).size).toBe(0);
  });
});
