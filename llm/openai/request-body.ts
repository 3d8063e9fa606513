import type { ModelRequest, PromptMessage } from '../../domain/model';
import type { PromptPrint } from '../../domain/prompt-print';
import type { SerializedPrompts } from '../serialized-prompts';

export interface RequestBody {
  readonly bytes: Buffer;
  readonly print: PromptPrint;
  /** Length of the messages alone. */
  readonly promptBytes: number;
}

// What OpenAI's prompt cache counts as the beginning of a prompt, in the order of its documentation.
const HEAD = ['model', 'tools', 'response_format', 'text'];

/**
 * The JSON of a request. What is read first stands first, so that each request of a conversation begins with the bytes of
 * the one before it: the model and the tools, then the messages, then everything that does not belong to the prompt.
 * `list` is the field of the messages, which `fields` leaves empty.
 */
export function toRequestBody(
  prompts: SerializedPrompts,
  { messages, conversationId }: ModelRequest,
  {
    fields,
    list,
    dialect,
    write,
  }: {
    readonly fields: object;
    readonly list: 'messages' | 'input';
    /** Tells apart what the same messages are written as. */
    readonly dialect: string;
    readonly write: (messages: readonly PromptMessage[], index: number) => readonly unknown[];
  },
): RequestBody {
  const pick = (isHead: boolean) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(fields).filter(([name]) => name !== list && HEAD.includes(name) === isHead),
      ),
    ).slice(1, -1);
  const head = `{${pick(true)},"${list}":[`;
  const { bytes, print } = prompts.serialize(
    conversationId === undefined ? null : `${dialect}/${conversationId}`,
    {
      head,
      messages,
      write: (all, index) =>
        write(all, index)
          .map((item) => JSON.stringify(item))
          .join(','),
    },
  );
  return {
    bytes: Buffer.concat([Buffer.from(head), bytes, Buffer.from(`],${pick(false)}}`)]),
    print,
    promptBytes: bytes.length,
  };
}
