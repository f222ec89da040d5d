// What a Windlass cluster of other machines begins with, kept in a Secret beside its Cluster: the authority of its servers, and the token
// by which its nodes join. So nobody has to hand anything over, and the cluster can be reached from here.
import { createHash, X509Certificate } from 'node:crypto';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { ApiObject, Client } from '../../../machinery/client-types.ts';
import { isAlreadyExists, isNotFound } from '../../../machinery/request-error.ts';
import { SECRETS } from '../../../machinery/resources.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Cluster } from '../../types.ts';

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Makes keys and certificates: the half of Windlass that serves can. */
export interface ClusterAuthorities {
  newAuthority(): Promise<KeyPair>;
  /** Of an administrator, for some days. */
  newAdmin(authority: KeyPair): Promise<KeyPair>;
}

export interface ClusterKeys {
  readonly authority: KeyPair;
  /** `ID.SECRET.HASH`, as `windlass node join --token` takes it. */
  readonly token: string;
  /** What `windlass up --seed` takes. */
  readonly seed: string;
  readonly admin: KeyPair;
}

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface Kept {
  readonly keys: ClusterKeys;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface ClusterKeysOptions {
  readonly client: Pick<Client, 'get' | 'create'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly authorities: ClusterAuthorities;
}

const KEPT_MS = 86_400_000;
const MOST_KEPT = 100;

export class ClusterKeyring {
  readonly #options: ClusterKeysOptions;
  /** By the UID of the Cluster. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: ClusterKeysOptions) {
    this.#options = options;
  }

  /** Made once for each cluster. @throws NotYetError when the Secret of that name is another's */
  async of(cluster: Cluster, signal: AbortSignal): Promise<ClusterKeys> {
    const { clock, authorities } = this.#options;
    const { uid } = cluster.metadata;
    const kept = this.#kept.get(uid);
    if (kept !== undefined && kept.until > clock.now()) return kept.keys;
    const { authority, token } =
      (await this.#read(cluster, signal)) ?? (await this.#make(cluster, signal));
    const admin = await authorities.newAdmin(authority);
    const keys = {
      authority,
      admin,
      token: `${token}.${hashOf(authority.certificate)}`,
      seed: Buffer.from(JSON.stringify({ ...authority, token })).toString('base64'),
    };
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(uid, { keys, until: clock.now() + KEPT_MS });
    return keys;
  }

  async #read(
    cluster: Cluster,
    signal: AbortSignal,
  ): Promise<Pick<ClusterKeys, 'authority' | 'token'> | undefined> {
    const name = secretName(cluster);
    try {
      const { client } = this.#options;
      const namespace = cluster.metadata.namespace ?? '';
      const { metadata, data = {} } = await client.get<Secret>(SECRETS, namespace, name, signal);
      const isOurs = metadata.ownerReferences?.some(({ uid }) => uid === cluster.metadata.uid);
      if (isOurs !== true)
        throw new NotYetError(
          `Secret ${name} is not this cluster's: its nodes join by it; rename the Cluster, or delete the Secret`,
        );
      const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
      const authority = { certificate: text('ca.crt'), privateKey: text('ca.key') };
      return { authority, token: text('token') };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #make(
    cluster: Cluster,
    signal: AbortSignal,
  ): Promise<Pick<ClusterKeys, 'authority' | 'token'>> {
    const { client, ids, authorities } = this.#options;
    const { name, namespace = '', uid } = cluster.metadata;
    const authority = await authorities.newAuthority();
    const token = `${ids.hex(6)}.${ids.hex(16)}`;
    const owner = { apiVersion: 'windlass.dev/v1alpha1', kind: 'Cluster', name, uid };
    const object = {
      metadata: { name: secretName(cluster), namespace, ownerReferences: [owner] },
      type: 'Opaque',
      stringData: { 'ca.crt': authority.certificate, 'ca.key': authority.privateKey, token },
    };
    try {
      await client.create(SECRETS, namespace, object, signal);
      return { authority, token };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // Somebody was faster: another machine of it, or another controller.
      const found = await this.#read(cluster, signal);
      if (found === undefined) throw error;
      return found;
    }
  }
}

export function secretName({ metadata }: Cluster): string {
  return `${metadata.name}-join`;
}

/** Of the public key, as nodes know a server by it. */
function hashOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}
