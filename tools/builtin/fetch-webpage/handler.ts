import { toolError } from '../../../domain/tool-failure';
import { textArgument, type ReadHandler } from '../../handler';
import { decodeText } from '../../web/decode-text';
import { webFailure } from '../../web/failures';
import { createPageReader, type PageReader } from '../../web/page-reader';
import { requestPublic, type PublicRequestOptions, type PublicResponse } from '../../web/public-request';

export interface FetchPageOptions extends PublicRequestOptions {
  readonly timeoutMs?: number;
  /** Turns HTML into text; a thread of its own by default. */
  readonly readPage?: PageReader;
}

const HTML = ['text/html', 'application/xhtml+xml'];
const TEXT =
  /^(text\/(plain|markdown|x-markdown|csv|xml|yaml|x-yaml)|application\/((.+\+)?(json|xml)|x-ndjson|yaml|x-yaml))$/;

/** Reads a public page. Everything that can go wrong on the way is told to the model; nothing is retried. */
export function createFetchWebpage({
  timeoutMs = 30_000,
  readPage = createPageReader(),
  ...request
}: FetchPageOptions): ReadHandler {
  return async (args, context) => {
    const address = textArgument(args, 'url').trim();
    const timedOut = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([context.signal, timedOut]);
    try {
      const response = await requestPublic(address, signal, { ...request, isReadable });
      return await toText(response, (html) => readPage({ html, url: response.url.href }, signal));
    } catch (error) {
      throw webFailure(error, { place: address, cancelled: context.signal, timedOut });
    }
  };
}

const mediaType = (contentType: string): string => contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';

// A server that names no type is read if its bytes look like text.
function isReadable(contentType: string): boolean {
  const type = mediaType(contentType);
  return type === '' || HTML.includes(type) || TEXT.test(type);
}

async function toText(
  { url, contentType, body }: PublicResponse,
  read: (html: string) => ReturnType<PageReader>,
): Promise<string> {
  const type = mediaType(contentType);
  if (type === '' && body.includes(0)) {
    throw toolError('ValueError', `${url.href} is a binary file. Only web pages and text files can be read.`);
  }
  const text = decodeText(body, contentType);
  const isHtml = HTML.includes(type) || (type === '' && /^\s*(<!doctype html|<html)/i.test(text));
  const page = isHtml ? await read(text) : { title: null, markdown: text };
  const heading = page.title === null ? '' : `# ${page.title}\n\n`;
  return `${heading}Source: ${url.href}\n\n${page.markdown.trim() || '(The page has no text.)'}`;
}
