// Keeps the status of ResourceQuotas: how much of each is used. Creations are refused by the server, which counts by itself; here
// what it comes to is shown, soon after each change and once in a while whatever happened. A real cluster does this itself: there,
// this controller stays off.
import { keyOf, parseKey } from '../machinery/cache.ts';
import type { CacheView } from '../machinery/cache.ts';
import { Controller, DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import type { Manager } from '../machinery/manager.ts';
import { RESOURCE_QUOTAS } from '../machinery/resources.ts';
import { CountedKinds } from './counted-kinds.ts';
import { kindsOf, sumUp } from './sum-up.ts';
import type { ResourceQuota, Texts } from './types.ts';

/** As upstream looks again at quotas about which nothing is heard. */
const RESYNC_MS = 300_000;
/** Of kinds that are not served: they may come. */
const RETRY_MS = 3_000;
/** Many changes are summed up at once. */
const TOGETHER_MS = 50;

export function addQuotaController(manager: Manager): void {
  manager.add(new QuotaController(manager).loop);
}

class QuotaController {
  readonly loop: Controller;
  readonly #manager: Manager;
  readonly #quotas: CacheView<ResourceQuota>;
  readonly #counted: CountedKinds;

  constructor(manager: Manager) {
    this.#manager = manager;
    const quotas = manager.informer<ResourceQuota>(RESOURCE_QUOTAS);
    this.#quotas = quotas.cache;
    this.#counted = new CountedKinds(manager, (kind, namespace) => this.#wake(kind, namespace));
    const { clock, logger, metrics, random } = manager;
    this.loop = new Controller({
      name: 'resourcequota',
      reconcile: (key, signal) => this.#reconcile(key, signal),
      waitFor: [quotas],
      clock,
      logger,
      metrics,
      random,
    });
    quotas.onChange(({ object }) => this.loop.queue.add(keyOf(object)));
  }

  #wake(kind: string, namespace: string): void {
    for (const quota of this.#quotas.list(namespace))
      if (kindsOf(quota.spec ?? {}).has(kind)) this.loop.queue.addAfter(keyOf(quota), TOGETHER_MS);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace, name } = parseKey(key);
    const all = this.#quotas.list();
    this.#counted.keepOnly(new Set(all.flatMap(({ spec = {} }) => [...kindsOf(spec)])));
    const first = this.#quotas.get(namespace, name);
    if (first === undefined) return DONE;
    const unknown = await this.#counted.need(kindsOf(first.spec ?? {}), signal);
    // What there is now: waiting took its time.
    const quota = this.#quotas.get(namespace, name);
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) return DONE;
    const { client, clock } = this.#manager;
    const status = sumUp(
      quota.spec ?? {},
      (kind) => this.#counted.list(kind, namespace),
      clock.now(),
    );
    if (!isShown(quota.status?.hard, status.hard) || !isShown(quota.status?.used, status.used))
      await client.update(RESOURCE_QUOTAS, { ...quota, status }, 'status', signal);
    const delayMs = unknown.size === 0 ? RESYNC_MS : RETRY_MS;
    return { outcome: 'requeueAfter', delayMs };
  }
}

function isShown(shown: Texts | undefined, wanted: Texts): boolean {
  if (shown === undefined) return false;
  const names = Object.keys(wanted);
  return (
    names.length === Object.keys(shown).length &&
    names.every((name) => shown[name] === wanted[name])
  );
}
