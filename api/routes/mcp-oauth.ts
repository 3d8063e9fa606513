import { Router } from 'express';
import type { Request, Response } from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { getMcpServer } from '../../db/mcp-servers';
import { createMcpStore } from '../../db/mcp-store';
import { AppError } from '../../domain/errors';
import type { McpTarget } from '../../domain/mcp-server';
import type { ApiDeps } from '../deps';
import { readMcpTools } from '../mcp-tool-list';
import { queryText } from '../wire/query';
import { parseQuery } from '../wire/validation';
import { declared, olderTarget } from './older-mcp';

const CALLBACK = '/tools/mcp/oauth/callback';
const WAIT_MS = 5 * 60_000;
const LOOK_MS = 500;

const CallbackQuery = z.object({
  code: queryText(),
  state: queryText(),
  error: queryText(),
  error_description: queryText(),
});

type Deps = Pick<ApiDeps, 'db' | 'mcp'>;
type Tell = (event: string, facts?: object) => void;

/** Connecting to a server that may want a user's consent first: a stream of events, and the page users come back to. */
export function mcpOAuthRoutes({ db, mcp }: ApiDeps): Router {
  const router = Router();
  const { oauth } = createMcpStore(db);

  router.get('/mcp-servers/connect/:mcpServerId', async (req, res) => {
    const target = await getMcpServer(db, req.params.mcpServerId);
    await streamConnect({ db, mcp }, { req, res, target });
  });

  router.post('/tools/mcp/servers/connect', async (req, res) => {
    await streamConnect({ db, mcp }, { req, res, target: olderTarget(mcp, req) });
  });

  /** Users' browsers come here, without a password: the state is what only they can know. */
  router.get(CALLBACK, async (req, res) => {
    const { code, state, error, error_description: description } = parseQuery(CallbackQuery, req.query);
    const refused = (message: string) => res.json({ status: 'error', message });
    if (!state) return void refused('Missing state parameter');
    if (error || !code) {
      const message = error
        ? `OAuth error: ${error}${description ? ` - ${description}` : ''}`
        : 'Missing authorization code';
      await oauth.save(state, { status: 'failed', error: message.slice(0, 500) });
      return void refused(message.slice(0, 500));
    }
    try {
      const { serverUrl } = await mcp.finishAuthorization(state, code);
      res.json({ status: 'success', message: 'Authorization successful', server_url: serverUrl });
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      refused(cause.message);
    }
  });

  return router;
}

interface Connect {
  readonly req: Request;
  readonly res: Response;
  readonly target: McpTarget;
}

/** Connects and tells how it goes; the stream has begun, so what goes wrong is its last event. */
async function streamConnect({ db, mcp }: Deps, { req, res, target }: Connect): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  const tell: Tell = (event, facts = {}) => res.write(`data: ${JSON.stringify({ event, ...facts })}\n\n`);
  tell('connection_attempt', { server_name: target.name });
  try {
    const tools = await readMcpTools(mcp, target).catch(async (error: unknown) => {
      if (!isUnauthorized(error) || target.config.type === 'stdio') throw error;
      const origin = `${req.protocol}://${req.get('host') ?? ''}`;
      await authorize({ db, mcp }, { target, origin, tell, gone: gone.signal });
      return readMcpTools(mcp, target);
    });
    tell('success', { tools: declared(tools) });
  } catch (error) {
    if (!gone.signal.aborted) tell('error', { message: messageOf(error) });
  }
  res.end();
}

interface Authorize {
  readonly target: McpTarget;
  readonly origin: string;
  readonly tell: Tell;
  readonly gone: AbortSignal;
}

/** Sends the user away and waits until a token is there; any process may take the user's return. */
async function authorize({ db, mcp }: Deps, { target, origin, tell, gone }: Authorize): Promise<void> {
  tell('oauth_required', { message: 'OAuth authentication required' });
  const begun = await mcp.beginAuthorization(target, { origin, path: `/v1${CALLBACK}` });
  if (!begun) return;
  tell('authorization_url', { url: begun.url, session_id: `mcp-oauth-${begun.state.slice(0, 8)}` });
  tell('waiting_for_auth', { message: 'Waiting for user authorization...' });
  const { oauth } = createMcpStore(db);
  const deadline = Date.now() + WAIT_MS;
  while (Date.now() < deadline) {
    const session = await oauth.byState(begun.state);
    if (session?.status === 'authorized') return;
    if (session?.status !== 'pending')
      throw new AppError('MCP_UNAUTHORIZED', session?.error ?? 'It has expired.');
    await sleep(LOOK_MS, undefined, { signal: gone });
  }
  throw new AppError('MCP_UNAUTHORIZED', 'Nobody has granted access in time. Connect once more.');
}

const isUnauthorized = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'MCP_UNAUTHORIZED';

const messageOf = (error: unknown): string =>
  error instanceof AppError ? error.message : 'Connecting failed; see the log of the server.';
