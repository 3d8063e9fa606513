import { BlockList, isIP } from 'node:net';
import type { McpConfig } from '../../domain/mcp-server';
import { isPublicAddress } from '../web/public-address';

// Where clouds keep their credentials. No setting opens it.
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6');

/** Whether a server at this IP address may be spoken to. */
export function isServerAddress(address: string, allowsPrivate: boolean): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  if (isPublicAddress(address)) return true;
  return allowsPrivate && !LINK_LOCAL.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

const INTERNAL_NAMES =
  /^(localhost|metadata\.google\.internal)$|\.(local|localdomain|localhost|internal|home\.arpa|svc|cluster\.local)$/;

/** Why this address may not be a server's, in the words of the original; null if it may. Names are not looked up here. */
export function addressRefusal(address: string, allowsPrivate: boolean): string | null {
  if (address === '') return 'server_url cannot be empty';
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address))
    return `server_url must start with 'http://' or 'https://', got: '${address.slice(0, 200)}'`;
  const url = new URL(address);
  if (url.username !== '' || url.password !== '')
    return 'server_url must not hold a user name or a password; use auth_header and auth_token';
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (isIP(host)) return isServerAddress(host, allowsPrivate) ? null : `Non-public IP not allowed: ${host}`;
  return INTERNAL_NAMES.test(host) && !allowsPrivate ? `Blocked internal hostname: ${host}` : null;
}

/** Which kinds of servers an installation may use. */
export interface AllowedServers {
  /** Whether servers may run as child processes. */
  readonly allowsStdio: boolean;
  /** Whether servers may have addresses that are not public. */
  readonly allowsPrivate: boolean;
}

/** Why a server may not be used at all; null if it may. */
export function configRefusal(
  config: McpConfig,
  { allowsStdio, allowsPrivate }: AllowedServers,
): string | null {
  if (config.type !== 'stdio') return addressRefusal(config.url, allowsPrivate);
  return allowsStdio ? null : 'MCP stdio servers are disabled. Set MCP_DISABLE_STDIO=false to enable them.';
}
