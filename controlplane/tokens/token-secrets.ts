// Fills Secrets of the type service-account-token, as they were made by hand before tokens could be asked for: with a token without an
// end, the authority's certificate and the namespace. A Secret of an account that is gone goes too.
import type { Logger } from '#platform/logging.ts';

import { objectAt, stringAt } from '../api/fields.ts';
import type { KubernetesObject } from '../api/object.ts';
import type { Scheme } from '../api/scheme.ts';
import { DueQueue } from '../registry/due-queue.ts';
import { internalContext } from '../registry/internal-context.ts';
import { decodeStored } from '../registry/objects.ts';
import type { Registry } from '../registry/types.ts';
import type { Store, StoredObject, Subscription } from '../store/types.ts';

import type { ServiceAccountTokens } from './service-account-tokens.ts';

const SECRETS = 'core/secrets';
const ACCOUNTS = 'core/serviceaccounts';
const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';

export interface TokenSecretsOptions {
  readonly scheme: Scheme;
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: ServiceAccountTokens;
  /** PEM of the authority, as it is now. */
  readonly certificateAuthority: () => string;
  readonly logger: Logger;
}

export class TokenSecrets {
  readonly #options: TokenSecretsOptions;
  readonly #subscriptions: Subscription[] = [];
  readonly #queue: DueQueue;

  constructor(options: TokenSecretsOptions) {
    this.#options = options;
    this.#queue = new DueQueue({
      settle: (key) => this.#settle(key),
      logger: options.logger,
      failure: 'A Secret for a token could not be filled',
    });
  }

  /** Looks at all that are there, then at each that changes. */
  start(): void {
    const { store } = this.#options;
    const { items, revision } = store.list(SECRETS, {});
    this.#wake(items);
    this.#subscriptions.push(
      store.watch(SECRETS, revision, {
        events: (events) => {
          const changed = events.filter(({ type }) => type !== 'DELETED');
          this.#wake(changed.map(({ object }) => object));
        },
        closed: () => undefined,
      }),
      store.watch(ACCOUNTS, revision, {
        events: (events) => {
          for (const { type, object } of events) {
            if (type === 'MODIFIED') continue;
            this.#wake(store.list(SECRETS, { namespace: object.namespace }).items);
          }
        },
        closed: () => undefined,
      }),
    );
  }

  /** The authority is another one. */
  refresh(): void {
    this.#wake(this.#options.store.list(SECRETS, {}).items);
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#queue.close();
  }

  #wake(secrets: readonly StoredObject[]): void {
    const ofType = secrets.filter(({ fields }) => fields['type'] === TYPE);
    this.#queue.add(ofType.map(({ namespace, name }) => `${namespace}/${name}`));
  }

  async #settle(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const { scheme, store, registry } = this.#options;
    const stored = store.get(SECRETS, namespace, name);
    const definition = scheme.byKind('', 'v1', 'Secret');
    if (stored === undefined || definition === undefined) return;
    const object = decodeStored(stored, definition);
    if (object.metadata.deletionTimestamp !== undefined) return;
    const account = store.get(ACCOUNTS, namespace, object.metadata.annotations?.[NAME] ?? '');
    const uid = object.metadata.annotations?.[UID] ?? '';
    const target = { definition, namespace, name };
    const context = internalContext('token-secrets', this.#queue.signal);
    if (account === undefined || (uid !== '' && uid !== account.uid)) {
      const preconditions = { uid: stored.uid, resourceVersion: String(stored.revision) };
      await registry.delete(target, { preconditions }, context);
      return;
    }
    const filled = this.#filled(object, account);
    if (filled === undefined) return;
    await registry.update(target, '', { object: filled, problems: [] }, context);
  }

  /** Undefined when nothing is missing. */
  #filled(object: KubernetesObject, account: StoredObject): KubernetesObject | undefined {
    const { tokens, certificateAuthority } = this.#options;
    const { namespace = '', name = '', annotations } = object.metadata;
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const authority = encode(certificateAuthority());
    const hasAll =
      stringAt(object, 'data', 'token') !== '' &&
      stringAt(object, 'data', 'namespace') !== '' &&
      stringAt(object, 'data', 'ca.crt') === authority;
    if (hasAll && annotations?.[UID] === account.uid) return undefined;
    const present = objectAt(object, 'data');
    return {
      ...object,
      metadata: { ...object.metadata, annotations: { ...annotations, [UID]: account.uid } },
      data: {
        ...present,
        'ca.crt': authority,
        namespace: encode(namespace),
        token:
          stringAt(present, 'token') ||
          encode(tokens.issueForSecret(namespace, { name: account.name, uid: account.uid }, name)),
      },
    };
  }
}
