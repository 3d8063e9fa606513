/**
 * Does `work` every `intervalMs`, never twice at once, without keeping the process alive. What it throws goes to
 * `onError`, and the next round tries again. Returns how to stop.
 */
export function repeat(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): () => void {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void work()
      .catch(onError)
      .finally(() => (isBusy = false));
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
