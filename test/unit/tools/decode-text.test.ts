import { decodeText } from '../../../tools/web/decode-text';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

it.each([
  ['UTF-8 without a declaration', Buffer.from('naïve 猫'), 'text/plain', 'naïve 猫'],
  ['a charset of the content type', latin1('naïve'), 'text/plain; charset=ISO-8859-1', 'naïve'],
  ['a charset in quotes', latin1('naïve'), 'text/plain; charset="windows-1252"', 'naïve'],
  ['bytes that are not UTF-8 and say nothing', latin1('naïve'), 'text/plain', 'naïve'],
  ['a charset nobody knows', Buffer.from('naïve'), 'text/plain; charset=klingon', 'naïve'],
  ['Shift_JIS', Buffer.from([0x94, 0x4c]), 'text/plain; charset=shift_jis', '猫'],
  [
    'a UTF-8 byte order mark over a wrong charset',
    Buffer.from('\ufeffnaïve'),
    'text/plain; charset=latin1',
    'naïve',
  ],
  ['a UTF-16 byte order mark', Buffer.from('\ufeffnaïve', 'utf16le'), 'text/plain', 'naïve'],
])('reads %s', (_what, body, contentType, expected) => {
  expect(decodeText(body, contentType)).toBe(expected);
});

it.each([
  '<meta charset="iso-8859-1"><p>naïve',
  "<META http-equiv='Content-Type' content='text/html; charset=iso-8859-1'><p>naïve",
  '<?xml version="1.0" encoding="ISO-8859-1"?><p>naïve',
])('reads the declaration inside the document: %s', (html) => {
  expect(decodeText(latin1(html), 'text/html')).toBe(html);
});

it('replaces what is broken in a declared UTF-8 text', () => {
  expect(decodeText(latin1('naïve'), 'text/plain; charset=utf-8')).toBe('na\ufffdve');
});
