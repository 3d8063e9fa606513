import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { randomBytes } from 'node:crypto';
import { AppError } from '../../domain/errors';
import type { McpAuthorization, McpOAuthStore } from '../../domain/mcp';
import { McpFailure, toMcpFailure } from './failures';
import { createOAuthProvider } from './oauth-provider';

/** The provider of an address that was authorized before; undefined without one. */
export async function authorizedProvider(
  store: McpOAuthStore,
  serverUrl: string,
): Promise<OAuthClientProvider | undefined> {
  const session = await store.authorizedFor(serverUrl);
  if (!session) return undefined;
  return createOAuthProvider(session, store, () => {
    throw new McpFailure('unauthorized', 'its authorization has ended: connect to it once more');
  });
}

/**
 * Connects, by `connect`, as somebody who is not known yet. The answer is the page on which a user grants access, or null
 * for a server that asks for nothing.
 */
export async function beginAuthorization(
  store: McpOAuthStore,
  { serverUrl, redirectUrl }: { readonly serverUrl: string; readonly redirectUrl: string },
  connect: (provider: OAuthClientProvider) => Promise<void>,
): Promise<McpAuthorization | null> {
  const state = randomBytes(32).toString('base64url');
  await store.begin({ state, serverUrl, redirectUrl });
  let page: URL | null = null;
  const provider = createOAuthProvider({ state, redirectUrl }, store, (url) => void (page = url));
  try {
    await connect(provider);
    return null;
  } catch (error) {
    const url = page as URL | null; // set by the provider meanwhile
    if (url) return { state, url: url.href };
    throw toMcpFailure(error);
  }
}

const MAX_AGE_TEXT = 'It is unknown, or was used before: connect to the server once more.';

/** Turns a code into tokens. A second visit with the same state changes nothing. */
export async function finishAuthorization(
  store: McpOAuthStore,
  { state, code, fetch }: { readonly state: string; readonly code: string; readonly fetch: FetchLike },
): Promise<{ readonly serverUrl: string }> {
  const session = await store.byState(state);
  if (!session || session.status === 'failed')
    throw new AppError('INVALID_ARGUMENT', `Invalid or expired state parameter. ${MAX_AGE_TEXT}`);
  const { serverUrl } = session;
  if (session.status === 'authorized') return { serverUrl };
  const provider = createOAuthProvider(session, store, () => undefined);
  try {
    await auth(provider, { serverUrl, authorizationCode: code, fetchFn: fetch });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'the code was refused';
    const message = `The authorization server gave no token: ${reason.slice(0, 300)}. Connect once more.`;
    await store.save(state, { status: 'failed', error: message, verifier: null });
    throw new AppError('INVALID_ARGUMENT', message, { cause });
  }
  return { serverUrl };
}
