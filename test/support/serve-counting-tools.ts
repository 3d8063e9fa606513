import { createCountingTools } from './counting-tools';
import { serveBuilt } from './serve-built';

void serveBuilt({ tools: createCountingTools(process.env['TEST_COUNTING_TARGET'] ?? '') });
