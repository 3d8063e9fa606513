import type { Router } from 'express';
import express, { type Express } from 'express';
import type { ApiDeps } from './deps';
import { checkActingUser } from './middleware/acting-user';
import { cors } from './middleware/cors';
import { errorHandler } from './middleware/error-handler';
import { requirePassword } from './middleware/password';
import { requestLog } from './middleware/request-log';
import { checkStorable } from './middleware/storable-input';
import { unknownRoute } from './middleware/unknown-route';
import { agentFileRoutes } from './routes/agent-files';
import { agentFolderRoutes } from './routes/agent-folders';
import { agentRoutes } from './routes/agents';
import { approvalRoutes } from './routes/approvals';
import { archivalMemoryRoutes } from './routes/archival-memory';
import { archiveRoutes } from './routes/archives';
import { memoryHistoryRoutes } from './routes/memory-history';
import { batchRoutes } from './routes/batches';
import { blockRoutes } from './routes/blocks';
import { chatCompletionRoutes } from './routes/chat-completions';
import { contextRoutes } from './routes/context';
import { conversationRoutes } from './routes/conversations';
import { doctorRoutes } from './routes/doctor';
import { effectRoutes } from './routes/effects';
import { folderRoutes } from './routes/folders';
import { generateRoutes } from './routes/generate';
import { groupRoutes } from './routes/groups';
import { identityRoutes } from './routes/identities';
import { healthRoutes } from './routes/health';
import { jobRoutes } from './routes/jobs';
import { mcpOAuthRoutes } from './routes/mcp-oauth';
import { mcpServerRoutes } from './routes/mcp-servers';
import { messageListRoutes } from './routes/message-lists';
import { messageRoutes } from './routes/messages';
import { modelRoutes } from './routes/models';
import { olderMcpRoutes } from './routes/older-mcp';
import { providerRoutes } from './routes/providers';
import { runStreamRoutes } from './routes/run-stream';
import { runRoutes } from './routes/runs';
import { searchRoutes } from './routes/search';
import { stepRoutes } from './routes/steps';
import { toolRoutes } from './routes/tools';
import { undoRoutes } from './routes/undo';

const BODY_LIMIT = '20mb';
// Only JSON types: a page of another site can send text or a form without asking, but not these.
const JSON_TYPES = ['application/json', 'application/*+json'];

/** The whole HTTP API as a value: listen on it, or call it in a test. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(deps.log), cors());
  if (deps.password !== null) app.use(requirePassword(deps.password));
  app.use(
    checkActingUser(),
    express.json({ limit: BODY_LIMIT, strict: false, type: JSON_TYPES }),
    checkStorable(),
  );
  const routers = createRouters(deps);
  app.use(['/v1', '/latest'], ...routers);
  app.use(unknownRoute(routers), errorHandler(deps.log));
  return app;
}

function createRouters(deps: ApiDeps): Router[] {
  return [
    healthRoutes(deps),
    modelRoutes(deps),
    providerRoutes(deps),
    agentRoutes(deps),
    archivalMemoryRoutes(deps),
    archiveRoutes(deps),
    searchRoutes(deps),
    agentFileRoutes(deps),
    blockRoutes(deps),
    folderRoutes(deps),
    agentFolderRoutes(deps),
    identityRoutes(deps),
    memoryHistoryRoutes(deps),
    toolRoutes(deps),
    mcpOAuthRoutes(deps),
    mcpServerRoutes(deps),
    olderMcpRoutes(deps),
    doctorRoutes(deps),
    effectRoutes(deps),
    undoRoutes(deps),
    approvalRoutes(deps),
    messageRoutes(deps),
    chatCompletionRoutes(deps),
    conversationRoutes(deps),
    contextRoutes(deps),
    generateRoutes(deps),
    groupRoutes(deps),
    batchRoutes(deps),
    messageListRoutes(deps),
    runStreamRoutes(deps),
    runRoutes(deps),
    jobRoutes(deps),
    stepRoutes(deps),
  ];
}
