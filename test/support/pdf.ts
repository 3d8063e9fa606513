/** A PDF document with a page for each list of lines. `isLocked`: nobody knows its password. */
export function pdfOf(
  pages: readonly (readonly string[])[],
  { isLocked = false } = {},
): Uint8Array<ArrayBuffer> {
  const first = 10;
  const objects = pages.flatMap((lines, page) => {
    const text = `BT /F1 12 Tf 72 720 Td 14 TL ${lines.map((line) => `(${line}) Tj T*`).join(' ')} ET`;
    const [own, content] = [first + 2 * page, first + 2 * page + 1];
    return [
      `${own} 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents ${content} 0 R/Resources<</Font<</F1 3 0 R>>>>>> endobj`,
      `${content} 0 obj <</Length ${text.length}>> stream\n${text}\nendstream endobj`,
    ];
  });
  const kids = pages.map((_lines, page) => `${first + 2 * page} 0 R`).join(' ');
  const lock = `4 0 obj <</Filter/Standard/V 1/R 2/Length 40/P -4/O<${'ab'.repeat(32)}>/U<${'cd'.repeat(32)}>>> endobj`;
  const document = [
    '%PDF-1.4',
    '1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj',
    `2 0 obj <</Type/Pages/Kids[${kids}]/Count ${pages.length}>> endobj`,
    '3 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj',
    ...(isLocked ? [lock] : []),
    ...objects,
    `trailer <</Root 1 0 R${isLocked ? '/Encrypt 4 0 R/ID[<00><00>]' : ''}>>`,
    '%%EOF',
  ];
  return new TextEncoder().encode(document.join('\n'));
}
