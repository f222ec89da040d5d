// What a Windlass cluster of other machines begins with, kept in a Secret beside its Cluster: the authority of its servers, and the token
// by which its nodes join. So nobody has to hand anything over, and the cluster can be reached from here. When the cluster changes its
// authority (`windlass certificates rotate-authority`) that is followed while the former one is still believed there: whom to believe,
// and a token of a service account, which no authority signed, take the place of what the first authority did.
import { createHash, X509Certificate } from 'node:crypto';
import type { Clock } from '#platform/clock.ts';
import type { IdSource } from '#platform/id.ts';
import type { ApiObject, Client } from '../../../machinery/client-types.ts';
import { areSameAuthorities, readAuthorities } from '../../../machinery/read-authorities.ts';
import {
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isNotFound,
} from '../../../machinery/request-error.ts';
import { SECRETS } from '../../../machinery/resources.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Cluster } from '../../types.ts';
import { makeAdminToken } from './admin-token.ts';
import type { ClusterApi } from './admin-token.ts';

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

/** As an administrator: by a certificate of the first authority, or by a token that holds whatever the authority. */
export type Credential =
  | { readonly type: 'certificate'; readonly pair: KeyPair }
  | { readonly type: 'token'; readonly token: string };

export interface ClusterKeys {
  /** What its servers began with. */
  readonly authority: KeyPair;
  /** PEM of all that are to be believed now, the one that signs first. */
  readonly authorities: string;
  /** `ID.SECRET.HASH`, as `windlass node join --token` takes it. */
  readonly token: string;
  /** What `windlass up --seed` takes. */
  readonly seed: string;
  readonly credential: Credential;
}

interface Secret extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** What is in the Secret. */
interface Found {
  readonly authority: KeyPair;
  readonly token: string;
  /** PEM; undefined while the cluster has the authority that it began with. */
  readonly followed: string | undefined;
  readonly adminToken: string | undefined;
  readonly resourceVersion: string | undefined;
}

interface Kept {
  readonly keys: ClusterKeys;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

interface Admin {
  readonly pair: KeyPair;
  readonly authority: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface ClusterKeysOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly authorities: ClusterAuthorities;
}

const ADMIN_KEPT_MS = 86_400_000;
/** Somebody may have put right by hand what is in the Secret, or another controller followed an authority. */
const KEPT_MS = 30_000;
const FOLLOW_EVERY_MS = 60_000;
const MOST_KEPT = 100;
/** Keys of the Secret beside ca.crt, ca.key and token. */
const FOLLOWED = 'authorities.crt';
const ADMIN_TOKEN = 'admin-token';

export class ClusterKeyring {
  readonly #options: ClusterKeysOptions;
  /** By the UID of the Cluster, as the next two. */
  readonly #kept = new Map<string, Kept>();
  readonly #admins = new Map<string, Admin>();
  /** Monotonic milliseconds. */
  readonly #followed = new Map<string, number>();

  constructor(options: ClusterKeysOptions) {
    this.#options = options;
  }

  /** Made once for each cluster. @throws NotYetError when the Secret of that name is another's */
  async of(cluster: Cluster, signal: AbortSignal): Promise<ClusterKeys> {
    const { clock } = this.#options;
    const { uid } = cluster.metadata;
    const kept = this.#kept.get(uid);
    if (kept !== undefined && kept.until > clock.now()) return kept.keys;
    const found = (await this.#read(cluster, signal)) ?? (await this.#make(cluster, signal));
    const { authority, token, followed, adminToken } = found;
    const authorities = followed ?? authority.certificate;
    const keys: ClusterKeys = {
      authority,
      authorities,
      credential:
        adminToken === undefined
          ? { type: 'certificate', pair: await this.#admin(uid, authority) }
          : { type: 'token', token: adminToken },
      token: `${token}.${hashOf(authorities)}`,
      seed: Buffer.from(JSON.stringify({ ...authority, token })).toString('base64'),
    };
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(uid, { keys, until: clock.now() + KEPT_MS });
    return keys;
  }

  /**
   * Looks, once a minute at most, whether the cluster believes other authorities by now, and keeps what will hold when it forgets the
   * former ones. Nothing happens where its API does not answer: that is seen by whoever needs it.
   *
   * @param api of the cluster
   */
  async follow(cluster: Cluster, api: ClusterApi, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const { uid, namespace = '' } = cluster.metadata;
    const due = this.#followed.get(uid) ?? -Infinity;
    if (clock.monotonic() < due) return;
    if (this.#followed.size >= MOST_KEPT) this.#followed.clear();
    this.#followed.set(uid, clock.monotonic() + FOLLOW_EVERY_MS);
    const now = await readAuthorities(api, signal);
    if (now === undefined) return;
    const { authorities } = await this.of(cluster, signal);
    if (areSameAuthorities(authorities, now)) return;
    const found = await this.#read(cluster, signal);
    if (found === undefined) return;
    const adminToken = found.adminToken ?? (await this.#adminToken(api, signal));
    if (adminToken === undefined) return;
    const data = encoded({ [FOLLOWED]: now, [ADMIN_TOKEN]: adminToken });
    const patch = { metadata: { resourceVersion: found.resourceVersion }, data };
    try {
      await client.patch(SECRETS, namespace, secretName(cluster), '', 'merge', patch, signal);
    } catch (error) {
      // Another controller follows too, or somebody is just putting it right: the next look sees.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    this.#kept.delete(uid);
  }

  /** Its first server is made (again): that begins with the first authority, whatever was followed before. */
  async beginAnew(cluster: Cluster, signal: AbortSignal): Promise<void> {
    const { uid, namespace = '' } = cluster.metadata;
    const found = await this.#read(cluster, signal);
    if (found?.followed === undefined && found?.adminToken === undefined) return;
    const metadata = { resourceVersion: found.resourceVersion };
    const patch = { metadata, data: { [FOLLOWED]: null, [ADMIN_TOKEN]: null } };
    const { client } = this.#options;
    await client.patch(SECRETS, namespace, secretName(cluster), '', 'merge', patch, signal);
    this.#kept.delete(uid);
  }

  /** @throws NotYetError when the cluster gives none: whoever waited for long would be locked out by its next change */
  async #adminToken(api: ClusterApi, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await makeAdminToken(api, this.#options.clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConnectionError) return undefined;
      throw new NotYetError(
        `the cluster has another authority, and gives no token to go on with: ${(error as Error).message}`,
      );
    }
  }

  async #admin(uid: string, authority: KeyPair): Promise<KeyPair> {
    const { clock, authorities } = this.#options;
    const before = this.#admins.get(uid);
    if (before?.authority === authority.certificate && before.until > clock.now())
      return before.pair;
    const pair = await authorities.newAdmin(authority);
    if (this.#admins.size >= MOST_KEPT) this.#admins.clear();
    const until = clock.now() + ADMIN_KEPT_MS;
    this.#admins.set(uid, { pair, authority: authority.certificate, until });
    return pair;
  }

  async #read(cluster: Cluster, signal: AbortSignal): Promise<Found | undefined> {
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
      const given = (key: string): string | undefined => text(key).trim() || undefined;
      return {
        authority: { certificate: text('ca.crt'), privateKey: text('ca.key') },
        token: text('token'),
        followed: given(FOLLOWED),
        adminToken: given(ADMIN_TOKEN),
        resourceVersion: metadata.resourceVersion,
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #make(cluster: Cluster, signal: AbortSignal): Promise<Found> {
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
      const nothing = { followed: undefined, adminToken: undefined, resourceVersion: undefined };
      return { authority, token, ...nothing };
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

function encoded(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
}

/** Of the public key of the first, as nodes know a server by it. */
function hashOf(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}
