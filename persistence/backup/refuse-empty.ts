// A place that a state is to be had from, and that has none.
import { ForeignDataError } from '../errors.ts';

/**
 * An empty log is whole, and no backup: what was to fill it was stopped before it began, or the place is not the one that was meant.
 *
 * @throws ForeignDataError
 */
export function refuseEmpty(location: string, { revision }: { readonly revision: number }): void {
  if (revision > 0) return;
  throw new ForeignDataError(
    `Cannot use ${location}: nothing is in it; it is not the place that was meant, or what was to fill it was stopped before it began`,
  );
}
