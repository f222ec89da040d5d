// Names of Compose files and container engines may have dots, underscores and capitals; names of volumes in the API may not. Pure.
import { safeHash } from '#controllers/machinery/safe-hash.ts';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name itself where it can be; otherwise the nearest label, with a hash so that two names stay two. */
export function dnsLabel(name: string): string {
  if (LABEL.test(name)) return name;
  const stem = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 57)
    .replaceAll(/^-+|-+$/g, '');
  return `${stem === '' ? 'v' : stem}-${safeHash(name, 5)}`;
}
