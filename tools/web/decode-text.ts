const SNIFFED_BYTES = 1024;

/**
 * The text of a fetched document. Its encoding is what the byte order mark, the content type or the document itself
 * says, in this order, as browsers do; otherwise UTF-8, or Windows-1252 where the bytes are not UTF-8.
 */
export function decodeText(body: Buffer, contentType: string): string {
  const declared = byteOrderMark(body) ?? charsetOf(contentType) ?? declaredInside(body);
  return (
    (declared === null ? null : decode(body, declared, { fatal: false })) ??
    decode(body, 'utf-8', { fatal: true }) ??
    new TextDecoder('windows-1252').decode(body)
  );
}

function byteOrderMark(body: Buffer): string | null {
  if (body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]))) return 'utf-8';
  if (body.subarray(0, 2).equals(Buffer.from([0xff, 0xfe]))) return 'utf-16le';
  if (body.subarray(0, 2).equals(Buffer.from([0xfe, 0xff]))) return 'utf-16be';
  return null;
}

const charsetOf = (text: string): string | null => /charset\s*=\s*["']?([\w:.-]+)/i.exec(text)?.[1] ?? null;

function declaredInside(body: Buffer): string | null {
  const start = body.subarray(0, SNIFFED_BYTES).toString('latin1');
  const meta = /<meta\b[^>]*charset[^>]*>/i.exec(start)?.[0];
  const declared = meta
    ? charsetOf(meta)
    : (/^\s*<\?xml[^>]*encoding\s*=\s*["']([\w:.-]+)/i.exec(start)?.[1] ?? null);
  // Text in which a UTF-16 declaration can be read as ASCII is not UTF-16.
  return declared && /^utf-?16/i.test(declared) ? 'utf-8' : declared;
}

function decode(body: Buffer, label: string, options: { readonly fatal: boolean }): string | null {
  try {
    return new TextDecoder(label, options).decode(body);
  } catch {
    // A label that no browser knows, or bytes that are not in the encoding: the next guess.
    return null;
  }
}
