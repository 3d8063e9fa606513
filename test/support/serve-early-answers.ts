import { serveBuilt } from './serve-built';

// Begins its answers early enough for a client that waits 1.5 seconds.
const early = { beginAfterMs: 700, everyMs: 300 };
void serveBuilt({ keepalive: { first: early, resent: early } });
