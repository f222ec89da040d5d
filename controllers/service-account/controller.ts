// Gives every namespace what programs in it rely on: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt` with the
// certificate authority of the API server. Both come back when somebody deletes them.
import { parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import type { ApiObject, ApiResource } from '../machinery/client-types.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { Manager } from '../machinery/manager.ts';
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../machinery/request-error.ts';
import { CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS } from '../machinery/resources.ts';

interface ConfigMap extends ApiObject {
  readonly data?: Readonly<Record<string, string>>;
}

const ACCOUNT = 'default';
const ROOT_CA = 'kube-root-ca.crt';

/** @param certificateAuthority PEM; '' leaves the ConfigMaps to somebody else */
export function addServiceAccountController(manager: Manager, certificateAuthority: string): void {
  manager.add(new ServiceAccountController(manager, certificateAuthority).loop);
}

class ServiceAccountController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #certificateAuthority: string;
  readonly #namespaces: CacheView<ApiObject>;
  readonly #accounts: CacheView<ApiObject>;
  readonly #configMaps: CacheView<ConfigMap>;

  constructor(manager: Manager, certificateAuthority: string) {
    this.#manager = manager;
    this.#certificateAuthority = certificateAuthority;
    const namespaces = manager.informer(NAMESPACES);
    // Only the one name: a cluster's other ConfigMaps are none of our business, and many.
    const only = (name: string): { selectors: { fieldSelector: string } } => ({
      selectors: { fieldSelector: `metadata.name=${name}` },
    });
    const accounts = manager.informer(SERVICE_ACCOUNTS, only(ACCOUNT));
    const configMaps = manager.informer<ConfigMap>(CONFIG_MAPS, only(ROOT_CA));
    this.#namespaces = namespaces.cache;
    this.#accounts = accounts.cache;
    this.#configMaps = configMaps.cache;
    const { clock, metrics, logger, random } = manager;
    this.loop = new Controller({
      name: 'serviceaccount',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [namespaces, accounts, configMaps],
      clock,
      metrics,
      logger,
      random,
    });
    namespaces.onChange(({ object }) => this.loop.queue.add(object.metadata.name));
    for (const informer of [accounts, configMaps]) {
      informer.onChange(({ type, object }) => {
        if (type !== 'Added') this.loop.queue.add(object.metadata.namespace ?? '');
      });
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name: namespace } = parseKey(key);
    const object = this.#namespaces.get('', namespace);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return DONE;
    if (this.#accounts.get(namespace, ACCOUNT) === undefined) {
      await this.#create(
        SERVICE_ACCOUNTS,
        namespace,
        { metadata: { name: ACCOUNT, namespace } },
        signal,
      );
    }
    if (this.#certificateAuthority !== '') await this.#ensureRootCA(namespace, signal);
    return DONE;
  }

  async #ensureRootCA(namespace: string, signal: AbortSignal): Promise<void> {
    const data = { 'ca.crt': this.#certificateAuthority };
    const existing = this.#configMaps.get(namespace, ROOT_CA);
    if (existing === undefined) {
      await this.#create(
        CONFIG_MAPS,
        namespace,
        { metadata: { name: ROOT_CA, namespace }, data },
        signal,
      );
    } else if (existing.data?.['ca.crt'] !== this.#certificateAuthority) {
      const { client } = this.#manager;
      await client.patch(CONFIG_MAPS, namespace, ROOT_CA, '', 'merge', { data }, signal);
    }
  }

  async #create(
    resource: ApiResource,
    namespace: string,
    object: object,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#manager.client.create(resource, namespace, object, signal);
    } catch (error) {
      if (isAlreadyExists(error) || isNotFound(error) || isNamespaceTerminating(error)) return;
      throw error;
    }
  }
}
