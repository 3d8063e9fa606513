import type { ReadHandler } from '../../handler';

/** Does nothing: that it was called is what counts. The result is what the original returns. */
export const memoryFinishEdits: ReadHandler = () => Promise.resolve('None');
