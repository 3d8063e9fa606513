const LINE_EVERY_MS = 10_000;

/** Shows what goes on: on a terminal in one line that changes, elsewhere a line now and then. */
export function createProgress(out: NodeJS.WriteStream) {
  let lastLineAt = -Infinity;
  let isOpen = false;
  return {
    show(text: string): void {
      if (out.isTTY) {
        isOpen = true;
        out.write(`\r\u001b[Kprove: ${text.slice(0, Math.max(20, out.columns - 10))}`);
        return;
      }
      const now = performance.now();
      if (now - lastLineAt < LINE_EVERY_MS) return;
      lastLineAt = now;
      out.write(`prove: ${text}\n`);
    },
    /** Ends the line that changes. */
    close(): void {
      if (isOpen) out.write('\n');
      isOpen = false;
    },
  };
}
