// Lease: written every few seconds by whoever holds it, always against the revision it saw. Ranges are in the schema.
import type { Strategy } from '../strategy.ts';

export const leaseStrategy: Strategy = { createsOnUpdate: true, needsResourceVersion: true };
