import { call } from './live-api';

/** A finding as the API shows it. */
export interface WireFinding {
  readonly code: string;
  readonly severity: string;
  readonly conversation_id: string | null;
  readonly run_id: string | null;
  readonly step_id: string | null;
  readonly message_id: string | null;
  readonly tool_call_id: string | null;
  readonly what: string;
  readonly repair: string;
  readonly repairable: boolean;
  readonly repaired: boolean;
  readonly facts: Readonly<Record<string, unknown>>;
}
export interface Visit {
  readonly agent_id: string;
  readonly is_healthy: boolean;
  readonly findings: readonly WireFinding[];
}

export const examine = (url: string, agentId: string): Promise<Visit> =>
  call<Visit>(url, 'GET', `/v1/agents/${agentId}/doctor`);
export const repair = (url: string, agentId: string): Promise<Visit> =>
  call<Visit>(url, 'POST', `/v1/agents/${agentId}/doctor`);

/** The codes of a visit's findings. */
export const codesOf = ({ findings }: Visit): readonly string[] => findings.map(({ code }) => code);
