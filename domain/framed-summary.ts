/** A summary as the model reads it in its context, and as lists show it. */
export const framedSummary = (summary: string): string =>
  'Earlier messages of this conversation were taken out of view to make room. Search tools can still find them. ' +
  `What they came to:\n${summary}`;
