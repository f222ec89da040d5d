// From the clientConfig of a webhook to where its request goes: to a URL, or to one of the addresses of a service.
import type { IdSource } from '#platform/id.ts';

import type { ClientConfig } from '../api/client-config.ts';
import type { Store } from '../store/types.ts';
import { serviceAddresses } from './service-address.ts';
import { WebhookCallError } from './webhook-client.ts';
import type { WebhookTarget } from './webhook-client.ts';
import { webhookURL } from './webhook-url.ts';

/** @throws WebhookCallError when a service is not there */
export function webhookTarget(
  { store, ids }: { readonly store: Store; readonly ids: IdSource },
  { url, service }: Pick<ClientConfig, 'url' | 'service'>,
  timeoutMs: number,
): WebhookTarget {
  const text =
    service === undefined
      ? (url ?? '')
      : `https://${service.name}.${service.namespace}.svc:${service.port}${service.path}`;
  const shown = webhookURL(text, timeoutMs);
  if (service === undefined) return { url: shown };
  try {
    const addresses = serviceAddresses(store, service.namespace, service.name, service.port);
    const address = addresses[anyOf(addresses.length, ids.suffix(5))] ?? addresses[0];
    return address === undefined ? { url: shown } : { url: shown, address };
  } catch (error) {
    const why = (error as Error).message;
    throw new WebhookCallError(`Post ${JSON.stringify(shown)}: ${why}`);
  }
}

/** One of so many, whichever. */
function anyOf(count: number, chance: string): number {
  let sum = 0;
  for (const char of chance) sum += char.charCodeAt(0);
  return count === 0 ? 0 : sum % count;
}
