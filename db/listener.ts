import { Client } from 'pg';

export interface Listener {
  close(): Promise<void>;
}

const RETRY_MS = 250;

/**
 * One connection that listens on channels for as long as the process lives. Notices sent while it was disconnected
 * are lost, so `onGap` runs after every reconnect: whoever waits looks at the tables again.
 */
export async function createListener(
  url: string,
  {
    channels,
    statements = [],
    onNotice,
    onGap,
    onError,
  }: {
    readonly channels: readonly string[];
    /** Run on every new connection, for what belongs to its session. */
    readonly statements?: readonly string[];
    readonly onNotice: (channel: string, payload: string) => void;
    readonly onGap: () => void;
    readonly onError: (error: Error) => void;
  },
): Promise<Listener> {
  let isClosed = false;
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const fresh = new Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: 5_000 });
    fresh.on('notification', ({ channel, payload }) => onNotice(channel, payload ?? ''));
    fresh.on('error', onError);
    fresh.on('end', () => {
      if (client === fresh) reconnect();
    });
    await fresh.connect();
    for (const channel of channels) await fresh.query(`listen ${channel}`);
    for (const statement of statements) await fresh.query(statement);
    client = fresh;
  }

  function reconnect(): void {
    client = undefined;
    if (isClosed) return;
    timer = setTimeout(() => {
      connect().then(onGap, (error: unknown) => {
        onError(error instanceof Error ? error : new Error(String(error)));
        reconnect();
      });
    }, RETRY_MS);
  }

  await connect();
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end();
    },
  };
}
