import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import type { OAuthServerProvider } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { OAuthClientInformationFull, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import express from 'express';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createScriptedServer, type McpScript } from './mcp-tools';

/** An MCP server behind OAuth, with an authorization server whose user says yes to everything. */
export interface McpOAuthServer {
  readonly url: string;
  /** Makes every access token void; refresh tokens stay good for one use. */
  expireTokens(): void;
  /** Makes every token void. */
  revokeAll(): void;
  close(): Promise<void>;
}

export async function startMcpOAuthServer(script: McpScript): Promise<McpOAuthServer> {
  const clients = new Map<string, OAuthClientInformationFull>();
  const codes = new Map<string, string>();
  const access = new Set<string>();
  const refresh = new Set<string>();
  const issue = (): OAuthTokens => {
    const [token, next] = [`at-${randomUUID()}`, `rt-${randomUUID()}`];
    access.add(token);
    refresh.add(next);
    return { access_token: token, refresh_token: next, token_type: 'bearer', expires_in: 3_600 };
  };
  const provider: OAuthServerProvider = {
    clientsStore: {
      getClient: (id) => clients.get(id),
      registerClient: (client) => {
        const made = { ...client, client_id: randomUUID(), client_id_issued_at: 0 };
        clients.set(made.client_id, made);
        return made;
      },
    },
    authorize(_client, { state, codeChallenge, redirectUri }, res) {
      const code = randomUUID();
      codes.set(code, codeChallenge);
      const back = new URL(redirectUri);
      back.searchParams.set('code', code);
      if (state !== undefined) back.searchParams.set('state', state);
      res.redirect(back.href);
      return Promise.resolve();
    },
    challengeForAuthorizationCode: (_client, code) => Promise.resolve(codes.get(code) ?? ''),
    exchangeAuthorizationCode(_client, code) {
      if (!codes.delete(code)) throw new InvalidGrantError('unknown code');
      return Promise.resolve(issue());
    },
    exchangeRefreshToken(_client, token) {
      if (!refresh.delete(token)) throw new InvalidGrantError('unknown refresh token');
      return Promise.resolve(issue());
    },
    verifyAccessToken(token) {
      if (!access.has(token)) throw new InvalidTokenError('void token');
      return Promise.resolve({ token, clientId: 'any', scopes: [], expiresAt: Date.now() / 1000 + 3_600 });
    },
  };

  const app = express();
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const url = new URL('/mcp', base);
  app.use(mcpAuthRouter({ provider, issuerUrl: base, resourceServerUrl: url }));
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(url);
  app.use(
    '/mcp',
    requireBearerAuth({ verifier: provider, resourceMetadataUrl }),
    express.json(),
    async (req, res) => {
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
      await createScriptedServer(script).connect(transport);
      await transport.handleRequest(req, res, req.body);
    },
  );
  return {
    url: url.href,
    expireTokens: () => access.clear(),
    revokeAll() {
      access.clear();
      refresh.clear();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
