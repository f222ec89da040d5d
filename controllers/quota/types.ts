// ResourceQuota as this controller sees it.
import type { QuotaSpec } from '#platform/quota/quota-objects.ts';
import type { ApiObject } from '../machinery/client-types.ts';

/** Names of what is counted → quantities. */
export type Texts = Readonly<Record<string, string>>;

export interface ResourceQuota extends ApiObject {
  readonly spec?: QuotaSpec;
  readonly status?: { readonly hard?: Texts; readonly used?: Texts };
}
