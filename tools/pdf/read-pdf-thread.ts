import { parentPort, workerData } from 'node:worker_threads';
import { extractText, getDocumentProxy } from 'unpdf';

// Entry of the thread that pdf-reader.ts starts: one document in, one answer out.
const bytes = workerData as Uint8Array; // pdf-reader.ts is the only caller

export type PdfAnswer = { readonly pages: readonly string[] } | { readonly problem: 'password' | 'broken' };

async function read(): Promise<PdfAnswer> {
  try {
    const document = await getDocumentProxy(bytes, { verbosity: 0 });
    const { text } = await extractText(document, { mergePages: false });
    return { pages: text };
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    return { problem: isLocked ? 'password' : 'broken' };
  }
}

void read().then((answer) => parentPort?.postMessage(answer));
