// Contexts of writes that are made because of another: as a trial, or as its consequence.
import type { WriteContext } from './types.ts';

/** The same request under other signs. Not a spread: a context may be an object whose parts are made when they are asked for. */
function derivedContext(
  context: WriteContext,
  changes: Pick<Partial<WriteContext>, 'dryRun' | 'isInternal'>,
): WriteContext {
  return {
    user: context.user,
    dryRun: changes.dryRun ?? context.dryRun,
    fieldValidation: context.fieldValidation,
    fieldManager: context.fieldManager,
    isInternal: changes.isInternal ?? context.isInternal === true,
    ...(context.sentOptions === undefined ? {} : { sentOptions: context.sentOptions }),
    ...(context.deadline === undefined ? {} : { deadline: context.deadline }),
    warn: (text) => context.warn(text),
    annotate: (key, value) => context.annotate?.(key, value),
    get signal() {
      return context.signal;
    },
  };
}

/** The same write, tried and not made. */
export function asDryRun(context: WriteContext): WriteContext {
  return derivedContext(context, { dryRun: true });
}

/** What follows from a request about which webhooks and policies were asked already. */
export function asConsequence(context: WriteContext): WriteContext {
  return derivedContext(context, { isInternal: true });
}
