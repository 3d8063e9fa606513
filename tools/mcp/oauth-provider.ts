import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { McpOAuthSession, McpOAuthStore } from '../../domain/mcp';

/**
 * One authorization as the SDK drives it, kept in the database: any process goes on where another one was. `onRedirect`
 * hears of the page on which a user must grant access.
 */
export function createOAuthProvider(
  { state, redirectUrl }: Pick<McpOAuthSession, 'state' | 'redirectUrl'>,
  store: McpOAuthStore,
  onRedirect: (url: URL) => void,
): OAuthClientProvider {
  const stored = () => store.byState(state);
  let used: unknown;
  return {
    redirectUrl,
    clientMetadata: {
      client_name: 'Everturn',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    },
    state: () => state,
    // The SDK wrote these values itself and checks them again.
    clientInformation: async () =>
      ((await stored())?.client ?? undefined) as OAuthClientInformationMixed | undefined,
    saveClientInformation: (client) => store.save(state, { client }),
    tokens: async () => {
      used = (await stored())?.tokens ?? undefined;
      return used as OAuthTokens | undefined;
    },
    saveTokens: (tokens) => store.save(state, { tokens, status: 'authorized', error: null }),
    redirectToAuthorization: onRedirect,
    saveCodeVerifier: (verifier) => store.save(state, { verifier }),
    codeVerifier: async () => (await stored())?.verifier ?? '',
    discoveryState: async () => ((await stored())?.discovery ?? undefined) as OAuthDiscoveryState | undefined,
    saveDiscoveryState: (discovery) => store.save(state, { discovery }),
    async invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'tokens') await store.dropTokens(state, used);
      if (scope === 'all' || scope === 'client') await store.save(state, { client: null });
      if (scope === 'all' || scope === 'verifier') await store.save(state, { verifier: null });
      if (scope === 'all' || scope === 'discovery') await store.save(state, { discovery: null });
    },
  };
}
