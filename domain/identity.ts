import type { JsonObject } from './agent';

export const IDENTITY_TYPES = ['org', 'user', 'other'] as const;
export const PROPERTY_TYPES = ['string', 'number', 'boolean', 'json'] as const;

export interface IdentityProperty {
  readonly key: string;
  readonly value: string | number | boolean | JsonObject;
  readonly type: (typeof PROPERTY_TYPES)[number];
}

/** Whom agents and blocks belong to, in the client's own terms. */
export interface Identity {
  readonly id: string;
  /** The client's own name for it, unique within a project. */
  readonly identifierKey: string;
  readonly name: string;
  readonly identityType: (typeof IDENTITY_TYPES)[number];
  readonly projectId: string | null;
  readonly properties: readonly IdentityProperty[];
}

export type IdentityFields = Omit<Identity, 'id'>;
export type IdentityPatch = Partial<IdentityFields>;

/** What an identity can have. */
export type IdentityItem = 'agent' | 'block';

/** The properties after an update: those of the update replace those with the same key, the others stay. */
export function mergeProperties(
  before: readonly IdentityProperty[],
  update: readonly IdentityProperty[],
): readonly IdentityProperty[] {
  return [...new Map([...before, ...update].map((property) => [property.key, property])).values()];
}
