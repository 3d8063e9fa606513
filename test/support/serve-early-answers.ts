import { serveBuilt } from './serve-built';

// Begins its answers early enough for a client that waits three seconds, on a slow machine too.
const early = { beginAfterMs: 200, everyMs: 300 };
void serveBuilt({ keepalive: { first: early, resent: early } });
