// The subsets of an Endpoints object: addresses that have the same ports stand together. Pure.
import type { EndpointAddress, EndpointPort, EndpointSubset } from './types.ts';

/** One Pod behind a Service. */
export interface SubsetRow {
  readonly address: EndpointAddress;
  readonly ready: boolean;
  /** Empty for a Service without ports. */
  readonly ports: readonly EndpointPort[];
}

/** Upstream's bound; slices have none. */
export const MAX_ADDRESSES = 1000;

export interface Subsets {
  readonly subsets: readonly EndpointSubset[];
  /** There were more addresses than fit: those that serve come first. */
  readonly truncated: boolean;
}

export function planSubsets(rows: readonly SubsetRow[]): Subsets {
  const inOrder = rows.toSorted(
    (a, b) =>
      compare(a.address.ip, b.address.ip) ||
      compare(a.address.targetRef?.uid ?? '', b.address.targetRef?.uid ?? ''),
  );
  const serving = inOrder.filter(({ ready }) => ready);
  const kept = [...serving, ...inOrder.filter(({ ready }) => !ready)].slice(0, MAX_ADDRESSES);
  // Port → who has it; ports that the same addresses have are one subset.
  const byPort = new Map<string, { port: EndpointPort | undefined; rows: SubsetRow[] }>();
  for (const row of kept) {
    for (const port of row.ports.length === 0 ? [undefined] : row.ports) {
      const key = JSON.stringify(port ?? null);
      const entry = byPort.get(key) ?? { port, rows: [] };
      byPort.set(key, entry);
      entry.rows.push(row);
    }
  }
  const groups = new Map<string, { ports: EndpointPort[]; rows: readonly SubsetRow[] }>();
  for (const { port, rows: those } of byPort.values()) {
    const key = JSON.stringify(
      those.map(({ address, ready }) => [address.ip, address.targetRef?.uid, ready]),
    );
    const group = groups.get(key) ?? { ports: [], rows: those };
    groups.set(key, group);
    if (port !== undefined) group.ports.push(port);
  }
  const subsets = [...groups.values()].map(({ ports, rows: those }) => subsetOf(ports, those));
  return { subsets, truncated: kept.length < rows.length };
}

function subsetOf(ports: readonly EndpointPort[], rows: readonly SubsetRow[]): EndpointSubset {
  const addresses = rows.filter(({ ready }) => ready).map(({ address }) => address);
  const notReadyAddresses = rows.filter(({ ready }) => !ready).map(({ address }) => address);
  return {
    ...(addresses.length === 0 ? {} : { addresses }),
    ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
    // The only port of a Service may have no name, and then it has none here.
    ...(ports.length === 0
      ? {}
      : {
          ports: ports.map(({ name, ...port }) =>
            name === undefined || name === '' ? port : { name, ...port },
          ),
        }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
