import { NativeConnection, type TLSConfig } from '@temporalio/worker';
import fs from 'node:fs/promises';

export interface TemporalEndpoint {
  readonly address: string;
  readonly apiKey: string | null;
  /** null speaks plain text; otherwise paths of PEM files, null where the system's certificates do. */
  readonly tls: {
    readonly clientCertPath: string | null;
    readonly clientKeyPath: string | null;
    readonly serverCaCertPath: string | null;
    readonly serverName: string | null;
  } | null;
}

/** One connection for the client and the worker of a process: sharing it is what makes eager starts possible. */
export async function connectTemporal({ address, apiKey, tls }: TemporalEndpoint): Promise<NativeConnection> {
  return NativeConnection.connect({
    address,
    ...(apiKey !== null && { apiKey }),
    ...(tls && { tls: await readTls(tls) }),
    grpcCompression: { codec: 'none' },
  });
}

async function readTls(tls: NonNullable<TemporalEndpoint['tls']>): Promise<TLSConfig> {
  const { clientCertPath, clientKeyPath, serverCaCertPath, serverName } = tls;
  return {
    ...(serverName !== null && { serverNameOverride: serverName }),
    ...(serverCaCertPath !== null && { serverRootCACertificate: await fs.readFile(serverCaCertPath) }),
    ...(clientCertPath !== null &&
      clientKeyPath !== null && {
        clientCertPair: { crt: await fs.readFile(clientCertPath), key: await fs.readFile(clientKeyPath) },
      }),
  };
}
