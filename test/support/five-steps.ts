import type { FakeReply, FakeRequest } from './fake-openai';

/** A place where the fake waits: `reached` tells the test, `open` lets the reply go. */
export interface Gate {
  readonly reached: Promise<void>;
  /** Resolves when opened. */
  pass(): Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let arrive = () => {};
  let open = () => {};
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    reached,
    pass() {
      arrive();
      return opened;
    },
    open,
  };
}

/** What the block of a new agent holds, and after a whole turn. */
export const BLOCK_BEFORE = 'start';
export const BLOCK_AFTER = 'start\nfact 0\nfact 1\nfact 2\nfact 3';

/** The fake's side of a five-step turn: four memory edits, each a step of its own, then an answer. */
export interface FiveSteps {
  readonly script: (request: FakeRequest) => Promise<FakeReply>;
  /** How often each step was asked for since `begin`. */
  readonly asked: readonly number[];
  /** Starts counting anew; the first request for step `step` waits at `gate`. */
  begin(at?: { readonly step: number; readonly gate: Gate }): void;
}

export function createFiveSteps(): FiveSteps {
  const asked: number[] = [];
  let held: { readonly step: number; readonly gate: Gate } | undefined;
  return {
    asked,
    begin(at) {
      asked.splice(0);
      held = at;
    },
    async script({ turns }) {
      const lastUser = turns.findLastIndex((turn) => turn.role === 'user');
      const step = turns.slice(lastUser).filter((turn) => turn.role === 'assistant').length;
      if (!turns[lastUser]?.text.includes('five steps')) return { text: 'At your service.' };
      asked[step] = (asked[step] ?? 0) + 1;
      if (held?.step === step && asked[step] === 1) await held.gate.pass();
      if (step === 4) return { text: 'All five steps are done.' };
      return {
        toolCalls: [{ name: 'memory_insert', arguments: { label: 'human', new_string: `fact ${step}` } }],
      };
    },
  };
}
