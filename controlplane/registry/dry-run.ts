import type { WriteContext } from './types.ts';

/** The same write, tried and not made. */
export function asDryRun(context: WriteContext): WriteContext {
  return {
    user: context.user,
    dryRun: true,
    fieldValidation: context.fieldValidation,
    fieldManager: context.fieldManager,
    warn: (text) => context.warn(text),
    get signal() {
      return context.signal;
    },
  };
}
