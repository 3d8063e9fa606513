import type { Tool, ToolCallContext, ToolEffects, ToolJsonSchema, ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';

// What a language must offer for tools that are stored as source code. Implemented in tools/<language>/, composed in
// runtime/source-languages.ts.

export interface ToolSource {
  readonly sourceCode: string;
  readonly sourceType: string;
  /** The function that is the tool; null takes the last one of the source. */
  readonly name: string | null;
  /** A schema of the arguments that counts in place of the signature; then only name and description are read. */
  readonly parameters: Readonly<Record<string, unknown>> | null;
}

/** Reads a tool's schema without running any of its code. Throws INVALID_ARGUMENT in Letta's words when it can't. */
export type SchemaDeriver = (source: ToolSource) => Promise<ToolJsonSchema>;

/** What of a tool decides how it runs. */
export type SourceTool = Pick<
  Tool,
  'id' | 'name' | 'sourceType' | 'sourceCode' | 'jsonSchema' | 'argsJsonSchema' | 'returnCharLimit' | 'pipRequirements' | 'npmRequirements' | 'network'
> & { readonly effects?: ToolEffects }; // prettier-ignore

/** Facts of one call. `agentId` is null when a source is tried without an agent. */
export interface SourceCall extends Omit<ToolCallContext, 'agentId' | 'conversationId'> {
  readonly agentId: string | null;
  /** The agent as the API shows it, for code that asks for `agent_state`; null without an agent. */
  agentState(): Promise<Readonly<Record<string, unknown>> | null>;
}

/**
 * Runs a tool in the sandbox. All that the code does wrong is an outcome; rejects with the signal's reason when the call is
 * stopped, after its processes are dead.
 */
export type SourceRunner = (tool: SourceTool, args: ToolArguments, call: SourceCall) => Promise<ToolOutcome>;

/** What a piece of code without a function came to. */
export interface CodeResult {
  /** The value of the last expression as text; none when there is no value. */
  readonly results: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  readonly error: { readonly name: string; readonly value: string; readonly traceback: string } | null;
}
/** Runs code for `run_code`, in the same sandbox. */
export type CodeRunner = (code: string, call: SourceCall) => Promise<CodeResult>;

/** One language, or several behind one face. */
export interface SourceLanguage {
  readonly deriveSchema: SchemaDeriver;
  readonly runTool: SourceRunner;
  /** By the name that `run_code` gives the language. */
  readonly runCode: Readonly<Record<string, CodeRunner>>;
}
