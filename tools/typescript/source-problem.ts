/** What keeps a source from being a tool. The message goes on where Letta's errors begin, without a full stop. */
export class SourceProblem extends Error {
  override readonly name = 'SourceProblem';
}
