import { z } from 'zod';
import { DEFAULT_ORG_ID } from '../../domain/ids';
import { PROVIDER_TYPES, type ProviderFields, type StoredProvider } from '../../domain/provider';
import { toWireMicros } from './dates';
import { jsonObject } from './fields';
import { pageFields } from './page';
import { toPydanticErrors } from './pydantic-errors';
import { queryChoice, queryText } from './query';
import { invalid } from './validation';

/** What stands where a key is not shown. Sent back in an update, it keeps the stored one. */
const SECRET_MASK = '[secret]';

/** A provider as Letta's clients know it, at the address that is called. Of its keys only that there are any. */
export const toWireProvider = (provider: StoredProvider, address: string | null) => ({
  id: provider.id,
  name: provider.name,
  provider_type: provider.providerType,
  provider_category: 'byok',
  // The original keeps keys in the two fields below and leaves the deprecated ones empty.
  api_key: null,
  base_url: provider.baseUrl ?? address,
  access_key: null,
  region: provider.region,
  api_version: provider.apiVersion,
  organization_id: DEFAULT_ORG_ID,
  updated_at: toWireMicros(provider.updatedAt),
  last_synced: provider.lastSynced && toWireMicros(provider.lastSynced),
  api_key_enc: masked(provider.apiKey),
  access_key_enc: masked(provider.accessKey),
});

const masked = (secret: string | null): string | null => (secret === null ? null : SECRET_MASK);

// A key travels in a header.
const secret = z
  .string()
  .max(20_000)
  .transform((value) => value.trim())
  .pipe(z.string().regex(/^[\u0020-\u007e]*$/, { error: 'holds characters that no HTTP header can' }));

const shortText = z.string().max(200);

const address = z
  .string()
  .max(2_000)
  .superRefine((value, context) => {
    const problem = value === '' ? null : addressProblem(value);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

/** Why models can't be asked for at this address; null if they can. */
export function addressProblem(value: string): string | null {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    return 'is not a URL of the form https://host/v1 or http://host:port/v1';
  if (url.username !== '' || url.password !== '')
    return 'holds a user name or password; send a key as api_key';
  if (url.search !== '' || url.hash !== '')
    return 'holds a query or a fragment, behind which no path can stand';
  return null;
}

const settings = {
  access_key: secret.nullish(),
  region: shortText.nullish(),
  base_url: address.nullish(),
  api_version: shortText.nullish(),
};
const CheckBody = z.object({ ...settings, provider_type: z.enum(PROVIDER_TYPES), api_key: secret });
const CreateBody = CheckBody.extend({
  name: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/\s](?:[^/\n\r\t]*[^/\s])?$/, {
      error: 'is the first part of handles: it holds no slash, and no space at its ends',
    }),
});
// The original wants the key with every change.
const UpdateBody = z.object({ ...settings, api_key: secret });

/** The provider that a creation asks for. 422 without its keys for a bad one. */
export function parseProvider(body: unknown): ProviderFields {
  const { name, ...sent } = parseMasked(CreateBody, body);
  return { name, ...toFields(sent) };
}

/** The provider that is to be tried out, which has no name but its type. */
export function parseProviderCheck(body: unknown): ProviderFields {
  const sent = parseMasked(CheckBody, body);
  return { name: sent.provider_type, ...toFields(sent) };
}

const toFields = (sent: z.infer<typeof CheckBody>): Omit<ProviderFields, 'name'> => ({
  providerType: sent.provider_type,
  apiKey: sent.api_key || null,
  baseUrl: sent.base_url || null,
  accessKey: sent.access_key || null,
  region: sent.region || null,
  apiVersion: sent.api_version || null,
});

/** What an update makes of the stored provider. Absent fields, null and masked keys keep their value; "" takes it away. */
export function parseProviderUpdate(body: unknown): (provider: StoredProvider) => ProviderFields {
  const sent = parseMasked(UpdateBody, body);
  const after = (value: string | null | undefined, stored: string | null): string | null =>
    value === undefined || value === null || value === SECRET_MASK ? stored : value || null;
  return (provider) => ({
    name: provider.name,
    providerType: provider.providerType,
    apiKey: after(sent.api_key, provider.apiKey),
    baseUrl: after(sent.base_url, provider.baseUrl),
    accessKey: after(sent.access_key, provider.accessKey),
    region: after(sent.region, provider.region),
    apiVersion: after(sent.api_version, provider.apiVersion),
  });
}

function parseMasked<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw invalid(toPydanticErrors(result.error.issues, 'body', withoutKeys(body)));
}

// Other names of the two are what a user may write by mistake.
const isKeyName = (name: string): boolean => /key|token|secret|password/i.test(name);

function withoutKeys(body: unknown): unknown {
  const fields = jsonObject.safeParse(body).data;
  // What is no object may be a key by itself.
  if (!fields) return body === null || body === undefined ? body : SECRET_MASK;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isShown(name, value) ? value : SECRET_MASK]),
  );
}

// A password in an address is one as well.
const isShown = (name: string, value: unknown): boolean =>
  !isKeyName(name) && !(name === 'base_url' && /:\/\/[^/\s]*@/.test(String(value)));

export const ListProvidersQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc' }),
  order_by: queryChoice(['created_at']),
  name: queryText(),
  provider_type: queryChoice(PROVIDER_TYPES),
});
