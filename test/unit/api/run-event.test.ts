import { keepalivePing, openingPing, toFrames, type FrameContext } from '../../../api/wire/run-event';
import type { Message } from '../../../domain/message';
import type { RunEvent } from '../../../domain/run-event';
import { usageOf } from '../../../domain/usage';
import { sampleText } from '../../support/letta-samples';
import { storedMessage } from '../../support/stored-message';

interface Recorded {
  readonly runId: string;
  readonly background?: boolean;
  /** In order; the second is the moment of the event. */
  readonly events: readonly (readonly [RunEvent, string])[];
  readonly messages?: readonly Message[];
  readonly usage?: FrameContext['usage'];
  readonly startedAt: string;
}

const at = (time: string): Date => new Date(`2026-11-24T${time}.123Z`);

function stream({
  runId,
  background = false,
  events,
  messages = [],
  usage = null,
  startedAt,
}: Recorded): string {
  const known = new Map(messages.map((message) => [message.id, message]));
  const frames = events.flatMap(([event, time], index) =>
    toFrames({ seq: index + 2, event, createdAt: at(time) }, known, { runId, background, usage }),
  );
  return openingPing({ runId, background, date: at(startedAt) }) + frames.join('');
}

// Pings carry a random id in the recordings; ours is derived from the run.
const withPingOf = (runId: string, text: string): string =>
  text.replace(/"id":"ping-[^"]+"/, `"id":"${runId.replace('run-', 'ping-')}"`);

const deltas =
  (messageId: string, stepId: string) =>
  (type: 'text-delta' | 'reasoning-delta', index: number, time: string, ...texts: string[]) =>
    texts.map((text) => [{ type, messageId, stepId, index, text }, time] as const);

const end: RunEvent = { type: 'run-end', stopReason: 'end_turn' };
const usage = (total: number, prompt: number, steps: number, context: number) => ({
  ...usageOf([]),
  completionTokens: total - prompt,
  promptTokens: prompt,
  totalTokens: total,
  stepCount: steps,
  cachedInputTokens: 10 * steps,
  reasoningTokens: 0,
  contextTokens: context,
});

describe('toFrames', () => {
  it('writes a token stream with a tool call byte for byte as the original does', () => {
    const runId = 'run-0a96e25b-8e54-43d3-819c-375853edb1cc';
    const messageId = 'message-0b776a5a-1e4b-46ba-a9fb-a8b614063753';
    const stepId = 'step-0bc5141e-1aa7-4a28-92ee-90462ecc3109';
    const call = { type: 'tool-call-delta', messageId, stepId, index: 1, callId: 'call_mock22_0' } as const;
    const pieces = ['{"label":"hu', 'man","new_st', 'ring":"Likes', ' dogs."}'];
    const last = deltas(
      'message-ee831048-6789-45f1-aa37-d189286a1fec',
      'step-b253b6c4-1563-4e5a-9496-a23d229fab28',
    );
    const toolMessage = storedMessage({
      id: 'message-4b52cde1-7ced-44ad-aa15-e24928b141df',
      role: 'tool',
      runId,
      stepId,
      createdAt: at('01:43:01'),
      parts: [
        {
          type: 'tool_return',
          toolCallId: 'call_mock22_0',
          name: 'memory_insert',
          status: 'success',
          result: "The human's name is Brad. They like vibe coding.\nLikes dogs.\nLikes dogs.\nLikes dogs.",
          stdout: null,
          stderr: null,
        },
      ],
    });

    const text = stream({
      runId,
      startedAt: '01:43:00',
      messages: [toolMessage],
      usage: usage(285, 245, 2, 143),
      events: [
        ...deltas(messageId, stepId)('text-delta', 0, '01:43:00', 'Let me store', ' that.'),
        [{ ...call, name: 'memory_insert' }, '01:43:00'],
        ...pieces.map((piece) => [{ ...call, arguments: piece }, '01:43:00'] as const),
        [{ type: 'message', messageId: toolMessage.id, fragment: 0 }, '01:43:01'],
        ...last('text-delta', 0, '01:43:01', 'Done. I saw ', '1 tool resul', 't(s).'),
        [end, '01:43:02'],
      ],
    });

    expect(text).toBe(withPingOf(runId, sampleText('messages.create.streaming.tokens.sse.txt')));
  });

  it('writes whole messages in step mode, one frame for each fragment', () => {
    const runId = 'run-412edc0c-7a01-4804-9766-5014546bfcf5';
    const stepId = 'step-d4fa05eb-27f7-4396-894c-65dfec0cea86';
    const shared = { runId, stepId, createdAt: at('01:43:00') };
    const reply = storedMessage({
      ...shared,
      id: 'message-dc5ae383-b33b-4eb8-8c7d-54bff8be29fb',
      role: 'assistant',
      parts: [
        { type: 'text', text: 'Let me store that.' },
        {
          type: 'tool_call',
          id: 'call_mock19_0',
          name: 'memory_insert',
          arguments: '{"label":"human","new_string":"Likes dogs."}',
        },
      ],
    });
    const toolReturn = storedMessage({
      ...shared,
      id: 'message-a1a609c4-60c4-4dad-99a5-c522959eda70',
      role: 'tool',
      parts: [
        {
          type: 'tool_return',
          toolCallId: 'call_mock19_0',
          name: 'memory_insert',
          status: 'success',
          result: "The human's name is Brad. They like vibe coding.\nLikes dogs.\nLikes dogs.",
          stdout: null,
          stderr: null,
        },
      ],
    });
    const answer = storedMessage({
      ...shared,
      stepId: 'step-7e7c6de0-2322-46a0-9b36-3b3bc91b2d6e',
      id: 'message-d8d74db2-96af-45d6-9a78-3e3f03a6394c',
      role: 'assistant',
      parts: [{ type: 'text', text: 'Done. I saw 1 tool result(s).' }],
    });

    const text = stream({
      runId,
      startedAt: '01:42:59',
      messages: [reply, toolReturn, answer],
      usage: { ...usage(279, 239, 2, 140), cacheWriteTokens: 0 },
      events: [
        [{ type: 'message', messageId: reply.id, fragment: 0 }, '01:43:00'],
        [{ type: 'message', messageId: reply.id, fragment: 1 }, '01:43:00'],
        [{ type: 'message', messageId: toolReturn.id, fragment: 0 }, '01:43:00'],
        [{ type: 'message', messageId: answer.id, fragment: 0 }, '01:43:00'],
        [end, '01:43:00'],
      ],
    });

    expect(text).toBe(withPingOf(runId, sampleText('messages.create.streaming.step.sse.txt')));
  });

  const inBackground = {
    runId: 'run-077f1558-ad42-482d-b1e0-585a5bcbd24a',
    background: true,
    startedAt: '01:43:01',
    usage: usage(145, 125, 1, 145),
    events: [
      ...deltas('message-9b13c014-b5fd-4147-93f0-5658d88c0041', 'step-a5cfa4e0-3293-4a19-8490-8c840ac88b4d')(
        'text-delta',
        0,
        '01:43:01',
        ...['Hello! I am ', 'the mock mod', 'el and you s', 'aid: hi in b', 'ackground'],
      ),
      [end, '01:43:01'],
    ],
  } as const;

  it('numbers the frames of a background run from 1', () => {
    const recorded = sampleText('messages.stream.tokens.background.sse.txt');

    expect(stream(inBackground)).toBe(withPingOf(inBackground.runId, recorded));
  });

  it('sends the same bytes again to a client that resumes after frame 3', () => {
    const all = stream(inBackground).split('\n\n');

    expect(all.slice(3).join('\n\n')).toBe(sampleText('runs.stream.resume_after_3.sse.txt'));
  });

  it('ends a failed run with its stop reason, a named error frame and no statistics', () => {
    const runId = 'run-5cb48da5-fe54-43e1-9bef-3a7efd337a9f';
    const error = {
      code: 'MODEL_BAD_REQUEST',
      errorType: 'llm_error',
      message: 'An error occurred with the LLM request.',
      detail:
        "INVALID_ARGUMENT: Bad request to OpenAI-compatible endpoint: Error code: 400 - {'error': {'message': 'mock error 400', 'type': 'mock', 'code': 'mock'}}",
    };

    const text = stream({
      runId,
      startedAt: '01:43:05',
      usage: usage(1, 1, 1, 1),
      events: [[{ type: 'run-end', stopReason: 'llm_api_error', error }, '01:43:06']],
    });

    expect(text).toBe(withPingOf(runId, sampleText('messages.stream.llm_error_400.sse.txt')));
  });

  it('writes reasoning deltas as the original does', () => {
    const runId = 'run-e9d5897f-9d63-4c45-af92-c8786306627f';
    const messageId = 'message-d2b50e20-630d-4f49-8c0e-e3a96f247d4a';
    const recorded = sampleText('messages.stream.gpt52_reasoning.tokens.sse.txt').split('\n\n');

    const text = stream({
      runId,
      startedAt: '01:52:58',
      events: [
        ...deltas(messageId, 'step-2c63e905-1613-4265-a21c-e7b49ddbce6c')(
          'reasoning-delta',
          0,
          '01:52:58',
          ...['**Thinking**', ' the mock re', 'asons a litt', 'le.'],
        ),
        ...deltas(messageId, 'step-2c63e905-1613-4265-a21c-e7b49ddbce6c')('text-delta', 1, '01:52:58', 'ok'),
      ],
    });

    // The original's first reasoning delta is empty and names no step.
    expect(text.split('\n\n').slice(1, 6)).toEqual(recorded.slice(2, 7));
  });

  it('keeps the null keys in deltas of a call that waits for approval', () => {
    const runId = 'run-1a454874-f77a-4807-99b6-490bc55b556b';
    const stepId = 'step-76ada375-598d-414a-8449-8b5376e31e47';
    const messageId = 'message-b41bf178-c2df-4386-ad66-f2e882e47e3f';
    const call = {
      type: 'tool-call-delta',
      messageId,
      stepId,
      index: 1,
      callId: 'call_mock46_0',
      approval: true,
    } as const;
    const recorded = sampleText('approval.4.request_stream.sse.txt').split('\n\n');

    const text = stream({
      runId,
      startedAt: '01:51:00',
      usage: usage(166, 146, 1, 166),
      events: [
        [{ ...call, name: 'roll_dice' }, '01:51:00'],
        [{ ...call, arguments: '{"sides":8}' }, '01:51:00'],
        [{ type: 'run-end', stopReason: 'requires_approval' }, '01:51:00'],
      ],
    });

    expect(text.split('\n\n').slice(1)).toEqual(recorded.slice(3));
  });

  const context = { runId: 'run-1', background: true, usage: null };
  const delta = (text: string): RunEvent => ({
    type: 'text-delta',
    messageId: 'message-00',
    stepId: 's',
    index: 0,
    text,
  });
  const framesOf = (event: RunEvent, options = {}) =>
    toFrames({ seq: 7, event, createdAt: at('01:51:00') }, new Map(), { ...context, ...options });

  it('tells of a rewind under a name that SDKs skip', () => {
    expect(framesOf({ type: 'rewind', fromSeq: 4, stepId: 'step-1' })).toEqual([
      'event: rewind\ndata: {"message_type":"rewind","run_id":"run-1","step_id":"step-1","from_seq_id":4,"seq_id":7}\n\n',
    ]);
  });

  it('never puts a line separator of any kind into a frame', () => {
    const [frame = ''] = framesOf(delta('a\u2028b\u0085c\nd\r'));

    expect(frame).toContain('"content":"a\\u2028b\\u0085c\\nd\\r"');
    expect(frame.trimEnd()).toMatch(/^[\x20-\x7e]+$/);
  });

  it('has no frame for a type that was not asked for, nor for a message that is gone', () => {
    expect(framesOf(delta('x'), { includeTypes: ['tool_call_message'] })).toEqual([]);
    expect(framesOf({ type: 'message', messageId: 'message-00', fragment: 0 })).toEqual([]);
  });

  it('repeats the number of the last frame in a keepalive', () => {
    const ping = { runId: 'run-1', date: at('01:51:00') };

    expect(keepalivePing({ ...ping, background: true, lastSeq: 9 })).toContain('"seq_id":9,"run_id":"run-1"');
    expect(keepalivePing({ ...ping, background: false, lastSeq: 9 })).toContain('"seq_id":null');
  });
});
