// Amounts of resources (`limits`, `requests`, `capacity`) in their canonical form, so that 0.5 and 500m are the same write.
import type { JSONObject } from '#controlplane/api/fields.ts';
import { canonicalQuantity } from '#platform/quantity.ts';

/** Changes `amounts` in place; what is no quantity stays for validation to name. */
export function canonicalizeAmounts(amounts: JSONObject): void {
  for (const [name, amount] of Object.entries(amounts)) {
    if (typeof amount !== 'string') continue;
    const canonical = canonicalQuantity(amount);
    if (canonical !== undefined && canonical !== amount) amounts[name] = canonical;
  }
}
