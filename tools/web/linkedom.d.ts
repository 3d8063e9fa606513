// linkedom declares itself as an ES module written for the browser's types; this project has neither. These are the
// parts of its DOM that are used here.
declare module 'linkedom' {
  export interface PageElement {
    readonly textContent: string | null;
    readonly innerHTML: string;
    getAttribute(name: string): string | null;
    setAttribute(name: string, value: string): void;
    removeAttribute(name: string): void;
    remove(): void;
  }
  export interface PageDocument {
    readonly documentElement: PageElement;
    querySelector(selector: string): PageElement | null;
    querySelectorAll(selector: string): Iterable<PageElement>;
  }
  export function parseHTML(html: string): { readonly document: PageDocument };
}
