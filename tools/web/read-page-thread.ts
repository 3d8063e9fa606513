import { parentPort, workerData } from 'node:worker_threads';
import { htmlToMarkdown } from './html-to-markdown';

// Entry of the thread that page-reader.ts starts: one page in, one answer out.
const { html, url } = workerData as { html: string; url: string }; // page-reader.ts is the only caller
parentPort?.postMessage(htmlToMarkdown(html, url));
