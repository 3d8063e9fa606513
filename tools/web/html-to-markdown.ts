import { Readability } from '@mozilla/readability';
import { parseHTML, type PageDocument, type PageElement } from 'linkedom';
import TurndownService from 'turndown';

export interface ReadablePage {
  readonly title: string | null;
  readonly markdown: string;
}

const NOT_TEXT =
  'script, style, noscript, template, iframe, object, svg, canvas, link, meta, title, input, button, select';
const TOO_SHORT = 140;

/**
 * The readable text of a page as Markdown, with absolute links. Where no article can be told from the rest (lists,
 * start pages), the whole page. Costs time with the size of the page: run it in a thread for pages of strangers.
 */
export function htmlToMarkdown(html: string, url: string): ReadablePage {
  const document = parse(html);
  const base = resolve(document.querySelector('base[href]')?.getAttribute('href') ?? '', url) ?? url;
  const article = new Readability<string>(document).parse();
  const title = firstText(article?.title, parse(html).querySelector('title')?.textContent);
  const isArticle = (article?.textContent ?? '').trim().length >= TOO_SHORT;
  const content = isArticle && article?.content ? article.content : html;
  return { title, markdown: createTurndown().turndown(clean(content, base)).trim() };
}

function firstText(...candidates: readonly (string | null | undefined)[]): string | null {
  const texts = candidates.map((text) => (text ?? '').replace(/\s+/g, ' ').trim());
  return texts.find((text) => text !== '') ?? null;
}

// linkedom builds a full document only from text that has an html element.
function parse(html: string): PageDocument {
  const source = /<html[\s>]/i.test(html) ? html : `<!doctype html><html><body>${html}</body></html>`;
  return parseHTML(source).document;
}

function clean(html: string, base: string): string {
  const document = parse(html);
  for (const element of document.querySelectorAll(NOT_TEXT)) element.remove();
  for (const link of document.querySelectorAll('a[href]')) absolute(link, 'href', base);
  for (const image of document.querySelectorAll('img')) {
    absolute(image, 'src', base);
    if (image.getAttribute('src') === null) image.remove();
  }
  return document.documentElement.innerHTML;
}

function absolute(element: PageElement, attribute: string, base: string): void {
  const target = resolve(element.getAttribute(attribute) ?? '', base);
  if (target === null) element.removeAttribute(attribute);
  else element.setAttribute(attribute, target);
}

function resolve(address: string, base: string): string | null {
  if (!URL.canParse(address, base)) return null;
  const { href, protocol } = new URL(address, base);
  return ['http:', 'https:', 'mailto:'].includes(protocol) ? href : null;
}

function createTurndown(): TurndownService {
  const turndown = new TurndownService({
    headingStyle: 'atx',
    codeBlockStyle: 'fenced',
    bulletListMarker: '-',
  });
  turndown.addRule('cell', {
    filter: ['th', 'td'],
    replacement: (content) =>
      ` ${content
        .trim()
        .replace(/\s*\n\s*/g, ' ')
        .replace(/\|/g, '\\|')} |`,
  });
  turndown.addRule('row', {
    filter: 'tr',
    // Turndown calls this for elements that match the filter only: rows.
    replacement: (content, node: unknown) =>
      `\n|${content}${isHeaderRow(node as Row) ? headerLine(content) : ''}`,
  });
  turndown.addRule('section', { filter: ['thead', 'tbody', 'tfoot'], replacement: (content) => content });
  turndown.addRule('table', { filter: 'table', replacement: (content) => `\n\n${content.trim()}\n\n` });
  return turndown;
}

interface Row {
  closest(selector: string): { querySelector(selector: string): unknown } | null;
}
const isHeaderRow = (row: Row): boolean => row.closest('table')?.querySelector('tr') === row;
const headerLine = (row: string): string => `\n|${' --- |'.repeat(row.match(/(?<!\\)\|/g)?.length ?? 0)}`;
