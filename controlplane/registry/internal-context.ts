// The context of writes that the server makes by itself: clean-up, bootstrap, expiry.
import type { WriteContext } from './types.ts';

export function internalContext(fieldManager: string, signal: AbortSignal): WriteContext {
  return {
    user: { name: 'system:apiserver', groups: ['system:masters'] },
    dryRun: false,
    fieldValidation: 'Ignore',
    fieldManager,
    isInternal: true,
    warn: () => undefined,
    signal,
  };
}
