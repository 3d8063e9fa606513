import { createPoisonTools } from './poison-tools';
import { serveBuilt } from './serve-built';

const limitMs = Number(process.env['TEST_TOOL_LIMIT_MS']);
const toolLimits = { once: limitMs, read: limitMs, idempotent: limitMs };
void serveBuilt({ tools: createPoisonTools(), toolLimits });
