// The kubeconfigs that `windlass up` writes, and others that embed all they need: read without client-node, whose generated models cost
// each command and each controller process half a second of work and 60 MB. Whatever is not as plain as that is client-node's to read,
// and to complain about: so nothing here throws.
import { parse } from 'yaml';

/** As a Connection of kubeconfig.ts. */
interface PlainConnection {
  readonly server: URL;
  readonly tls: {
    readonly ca: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly keepAlive: boolean;
    readonly keepAliveInitialDelay: number;
  };
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
}

type Fields = Readonly<Record<string, unknown>>;

const CLUSTER_FIELDS: readonly string[] = ['server', 'certificate-authority-data'];
const USER_FIELDS: readonly string[] = ['client-certificate-data', 'client-key-data', 'token'];

/** @returns what client-node would make of it; undefined when the current context uses more than embedded certificates and a token */
export function plainConnection(text: string): PlainConnection | undefined {
  const config = parsed(text);
  const context = named(config?.['contexts'], config?.['current-context'], 'context');
  const cluster = plain(
    named(config?.['clusters'], context?.['cluster'], 'cluster'),
    CLUSTER_FIELDS,
  );
  const user = plain(named(config?.['users'], context?.['user'], 'user'), USER_FIELDS);
  const server = cluster?.get('server');
  if (cluster === undefined || user === undefined || server === undefined) return undefined;
  if (!server.startsWith('https://') || !URL.canParse(server)) return undefined;
  const ca = cluster.get('certificate-authority-data');
  const cert = user.get('client-certificate-data');
  const key = user.get('client-key-data');
  const token = user.get('token');
  if (ca === undefined) return undefined;
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return {
    server: new URL(server.replace(/\/$/, '')),
    tls: {
      ca: Buffer.from(ca, 'base64'),
      ...(cert === undefined ? {} : { cert: Buffer.from(cert, 'base64') }),
      ...(key === undefined ? {} : { key: Buffer.from(key, 'base64') }),
      // As client-node and client-go: shorter than what cuts idle connections on the way.
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    headers: async () => headers,
  };
}

function parsed(text: string): Fields | undefined {
  try {
    return fieldsOf(parse(text));
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}

/** What the first entry of that name holds under `key`. */
function named(list: unknown, name: unknown, key: string): Fields | undefined {
  if (!Array.isArray(list) || typeof name !== 'string') return undefined;
  const found = list.map(fieldsOf).find((entry) => entry?.['name'] === name);
  return fieldsOf(found?.[key]);
}

/** Undefined when there is a field that is not in `known`, or is no text. */
function plain(
  fields: Fields | undefined,
  known: readonly string[],
): ReadonlyMap<string, string> | undefined {
  if (fields === undefined) return undefined;
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(fields)) {
    if (!known.includes(name) || typeof value !== 'string' || value === '') return undefined;
    values.set(name, value);
  }
  return values;
}
