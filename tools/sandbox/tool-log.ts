/** What the languages of tools tell an operator. */
export interface ToolLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}
