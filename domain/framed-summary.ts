const FRAME =
  'Earlier messages of this conversation were taken out of view to make room. Search tools can still find them. ' +
  'What they came to:\n';

/** A summary as the model reads it in its context, and as lists show it. */
export const framedSummary = (summary: string): string => `${FRAME}${summary}`;

/** The summary inside a framed one; any other text is returned as it is. */
export const unframedSummary = (text: string): string =>
  text.startsWith(FRAME) ? text.slice(FRAME.length) : text;
