import { AppError } from './errors';

export const PDF = 'application/pdf';
const TYPES: Readonly<Record<string, string>> = {
  'text/plain': 'txt text log',
  'text/markdown': 'md markdown mdx',
  'application/json': 'json',
  'application/jsonl': 'jsonl ndjson',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'text/x-rst': 'rst',
  'text/x-python': 'py',
  'text/javascript': 'js mjs cjs',
  'text/x-typescript': 'ts mts cts',
  'text/x-java-source': 'java',
  'text/x-c++': 'cpp cxx cc hpp',
  'text/x-c': 'c h',
  'text/x-csharp': 'cs',
  'text/x-php': 'php',
  'text/x-ruby': 'rb',
  'text/x-go': 'go',
  'text/x-rust': 'rs',
  'text/x-swift': 'swift',
  'text/x-kotlin': 'kt',
  'text/x-scala': 'scala',
  'text/x-r': 'r',
  'text/x-objective-c': 'm',
  'text/html': 'html htm',
  'text/css': 'css',
  'text/x-scss': 'scss',
  'text/x-sass': 'sass',
  'text/x-less': 'less',
  'text/x-vue': 'vue',
  'text/x-jsx': 'jsx',
  'text/x-tsx': 'tsx',
  'application/xml': 'xml',
  'text/x-yaml': 'yaml yml',
  'application/toml': 'toml',
  'text/x-ini': 'ini',
  'text/x-conf': 'cfg conf',
  'text/x-shellscript': 'sh bash',
  'text/x-powershell': 'ps1',
  'text/x-batch': 'bat cmd',
  'text/x-dockerfile': 'dockerfile',
  'text/x-sql': 'sql',
};
const BY_EXTENSION = new Map(
  Object.entries(TYPES).flatMap(([type, extensions]) =>
    extensions.split(' ').map((extension) => [extension, type]),
  ),
);
const OTHER_TEXTS = ['application/x-jsonlines', 'application/x-ndjson', 'application/javascript', 'application/x-yaml', 'application/yaml', 'application/sql']; // prettier-ignore

/**
 * The media type of a PDF or a text file, by its name, else by what the client says. Refuses what holds no text that can be read
 * line by line: such a file would be there, and no agent could find anything in it.
 */
export function textTypeOf(name: string, said: string): string {
  const extension = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const known = extension === 'pdf' ? PDF : BY_EXTENSION.get(extension);
  if (known !== undefined) return known;
  const type = (said.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (type === PDF || type.startsWith('text/') || type in TYPES || OTHER_TEXTS.includes(type)) return type;
  throw unsupported(
    `Unsupported file type: ${type || 'unknown'} (filename: ${name}). Supported are PDF and texts: plain text, Markdown, JSON, ` +
      'CSV, HTML, configuration and source code, by their extension or a content type of text.',
  );
}

/** Reads the text of a PDF; `UNSUPPORTED_MEDIA_TYPE` with the reason where there is none to be had. */
export type ReadPdf = (name: string, bytes: Uint8Array) => Promise<string>;

/** The text of a file: UTF-8, or UTF-16 with its mark; refuses bytes that are neither. */
export function decodeText(name: string, bytes: Uint8Array): string {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const encoding = isUtf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below: to a client it is the same whether bytes form no character or one that is in no text.
  }
  throw unsupported(
    `The file ${name} is not text: its bytes are not UTF-8. Save it as UTF-8 and upload it again.`,
  );
}

const unsupported = (message: string): AppError => new AppError('UNSUPPORTED_MEDIA_TYPE', message);
