import { describe, expect, test } from 'vitest';
import { answerLimits, callLimits, escaped, parseXml } from '../../../src/channels/ebay/xml.ts';

const read = (text: string) => parseXml(Buffer.from(text), callLimits);

describe('XML from outside', () => {
  test('is read as texts in tables, without attributes and prefixes', () => {
    const xml =
      '<?xml version="1.0"?><a:r xmlns:a="x" id="1"><b>007</b><a:c><d/><e> 1 &lt; 2 &#38; &#x33; </e></a:c></a:r>';
    expect(read(xml)).toEqual({ '?xml': '', r: { b: '007', c: { d: '', e: '1 < 2 & 3' } } });
  });

  test('that defines entities is refused before it is parsed, in whatever case', () => {
    const laughs = Array.from(
      { length: 9 },
      (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`,
    ).join('');
    expect(() => read(`<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]><x>&l9;</x>`)).toThrow(SyntaxError);
    expect(() => read('<!doctype x SYSTEM "file:///etc/passwd"><x/>')).toThrow(SyntaxError);
    expect(() => read('<x><!ENTITY y "z"></x>')).toThrow(SyntaxError);
  });

  test('leaves entities that nobody defined as they stand', () => {
    expect(read('<x>&lol; &amp;amp; &#0; &#9999999;</x>')).toEqual({ x: '&lol; &amp; &#0; &#9999999;' });
  });

  test('nested too deeply, with too many tags, or too long is refused', () => {
    expect(() => read('<a>'.repeat(5_000) + '</a>'.repeat(5_000))).toThrow(SyntaxError);
    expect(() => read('<a>'.repeat(30) + '</a>'.repeat(30))).toThrow(SyntaxError);
    expect(() => read(`<x>${'<y/>'.repeat(10_001)}</x>`)).toThrow(SyntaxError);
    expect(() => read(`<x>${'y'.repeat(callLimits.bytes)}</x>`)).toThrow(SyntaxError);
    expect(() => parseXml(Buffer.from('<x/>'), { ...answerLimits, bytes: 3 })).toThrow(SyntaxError);
  });

  test.each(['', 'text', '<a>', '<a></b>', '<a', '{"a":1}', '<a/><b'])('%j is no document', (text) => {
    expect(() => read(text)).toThrow(SyntaxError);
  });

  test('that is not UTF-8 is refused', () => {
    expect(() => parseXml(Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]), callLimits)).toThrow(SyntaxError);
  });

  test('takes no member of the prototype from a tag', () => {
    try {
      read('<__proto__><polluted>1</polluted></__proto__>');
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('that we write carries any text through', () => {
    const text = `<a href="x">&amp; 'q'</a>`;
    expect(read(`<x>${escaped(text)}</x>`)).toEqual({ x: text });
  });
});
