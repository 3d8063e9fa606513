import type { FakeReply, FakeRequest, FakeScript } from './fake-openai';
import { directiveScript } from './fake-openai-script';

/** What a provider does that has a window: it refuses what is longer, in OpenAI's words. */
export interface WindowedModel {
  readonly script: FakeScript;
  /** Sizes of the requests to the model and to its summarizer since `reset`, in tokens of four characters. */
  readonly asked: number[];
  readonly summarized: number[];
  /** Texts that the summarizer was shown. */
  readonly shown: string[];
  reset(behaviour?: Partial<Behaviour>): void;
}
interface Behaviour {
  /** Requests beyond it are refused; Infinity takes everything. */
  readonly window: number;
  readonly onSummary: (request: FakeRequest) => FakeReply | Promise<FakeReply>;
  readonly onMessage: FakeScript;
}

export const isSummary = ({ turns }: FakeRequest): boolean =>
  turns.some(({ role, text }) => role === 'user' && /^<transcript>|is about to be taken out/.test(text));

/** A model with a window, and its summarizer behind the same endpoint. */
export function createWindowedModel(): WindowedModel {
  const asked: number[] = [];
  const summarized: number[] = [];
  const shown: string[] = [];
  const usual: Behaviour = {
    window: Infinity,
    onSummary: () => ({ text: 'They spoke about the garden.' }),
    onMessage: directiveScript,
  };
  let now = usual;
  return {
    asked,
    summarized,
    shown,
    reset(behaviour = {}) {
      for (const list of [asked, summarized, shown]) list.length = 0;
      now = { ...usual, ...behaviour };
    },
    script(request, n) {
      const size = Math.ceil(JSON.stringify(request.body['messages'] ?? request.body['input']).length / 4);
      const isSummaryRequest = isSummary(request);
      (isSummaryRequest ? summarized : asked).push(size);
      if (isSummaryRequest) shown.push(request.turns.map(({ text }) => text).join('\n'));
      if (size > now.window) return tooLong(now.window, size);
      return isSummaryRequest ? now.onSummary(request) : now.onMessage(request, n);
    },
  };
}

const tooLong = (window: number, size: number): FakeReply => ({
  error: {
    status: 400,
    body: {
      error: {
        message: `This model's maximum context length is ${window} tokens. However, your messages resulted in ${size} tokens.`,
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
  },
});
