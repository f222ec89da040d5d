// What has to change for a set of slices to hold a set of endpoints: as few writes as possible, and endpoints stay in the slice they are
// in. Pure. After upstream's reconciler: slices that change anyway are filled first, then the fullest that takes what is left.
import type { Endpoint, EndpointPort, EndpointSlice } from './types.ts';

/** Endpoints that have the same ports: what one slice can hold. */
export interface SliceContent {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePlan {
  readonly creates: readonly SliceContent[];
  readonly updates: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[];
  readonly deletes: readonly EndpointSlice[];
}

export interface SliceRules {
  /** In one slice. */
  readonly maxEndpoints: number;
  /** An empty slice stays where there are no endpoints, so that it can be told from a Service nobody has looked at. */
  readonly keepsEmpty: boolean;
  /** Says whether labels and owners of a slice are as they should be. */
  readonly isCurrent: (slice: EndpointSlice) => boolean;
}

interface Draft {
  readonly slice: EndpointSlice;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
  isChanged: boolean;
}

/** @param slices all of one address type, in the order in which they are filled */
export function planSlices(
  contents: readonly SliceContent[],
  slices: readonly EndpointSlice[],
  rules: SliceRules,
): SlicePlan {
  const left = new Map(
    contents.map(({ ports, endpoints }) => [
      textOf(ports),
      { ports, endpoints: new Map(endpoints.map((one) => [identityOf(one), one])) },
    ]),
  );
  const spare: EndpointSlice[] = [];
  const drafts: Draft[] = [];
  for (const slice of slices) {
    const wanted = left.get(textOf(slice.ports ?? []));
    if (wanted === undefined) spare.push(slice);
    else drafts.push(keep(slice, wanted.ports, wanted.endpoints));
  }
  const creates: SliceContent[] = [];
  for (const { ports, endpoints } of left.values()) {
    const own = drafts.filter((draft) => draft.ports === ports);
    creates.push(...place(ports, [...endpoints.values()], own, rules.maxEndpoints));
  }
  const kept = drafts.filter(({ endpoints }) => endpoints.length > 0);
  spare.unshift(
    ...drafts.filter(({ endpoints }) => endpoints.length === 0).map(({ slice }) => slice),
  );
  if (rules.keepsEmpty && kept.length === 0 && creates.length === 0)
    creates.push({ ports: [], endpoints: [] });
  // One that is not needed becomes one that is: a write instead of two, and nobody sees a moment without.
  const reused = spare
    .slice(0, creates.length)
    .map((slice, index) => ({ slice, content: creates[index] ?? { ports: [], endpoints: [] } }));
  const updates = [
    ...kept.map(({ slice, ports, endpoints }) => ({ slice, content: { ports, endpoints } })),
    ...reused,
  ].filter(({ slice, content }) => !rules.isCurrent(slice) || !holds(slice, content));
  return {
    creates: creates.slice(reused.length),
    updates,
    deletes: spare.slice(reused.length),
  };
}

/** Takes what a slice has and may keep out of what is wanted. */
function keep(
  slice: EndpointSlice,
  ports: readonly EndpointPort[],
  wanted: Map<string, Endpoint>,
): Draft {
  const endpoints: Endpoint[] = [];
  for (const before of slice.endpoints ?? []) {
    const identity = identityOf(before);
    const now = wanted.get(identity);
    if (now === undefined) continue;
    wanted.delete(identity);
    endpoints.push(now);
  }
  return {
    slice,
    ports,
    endpoints,
    isChanged: !isSame(endpoints, slice.endpoints ?? []),
  };
}

/** @returns what new slices must hold */
function place(
  ports: readonly EndpointPort[],
  endpoints: Endpoint[],
  drafts: readonly Draft[],
  maxEndpoints: number,
): SliceContent[] {
  const roomIn = (draft: Draft): number => Math.max(0, maxEndpoints - draft.endpoints.length);
  for (const draft of drafts)
    if (draft.isChanged) draft.endpoints.push(...endpoints.splice(0, roomIn(draft)));
  const creates: SliceContent[] = [];
  while (endpoints.length > 0) {
    const [tightest] = drafts
      .filter((draft) => roomIn(draft) >= endpoints.length)
      .toSorted((a, b) => roomIn(a) - roomIn(b));
    if (tightest === undefined)
      creates.push({ ports, endpoints: endpoints.splice(0, maxEndpoints) });
    else tightest.endpoints.push(...endpoints.splice(0));
  }
  return creates;
}

function holds(slice: EndpointSlice, { ports, endpoints }: SliceContent): boolean {
  return textOf(slice.ports ?? []) === textOf(ports) && isSame(slice.endpoints ?? [], endpoints);
}

/** Field by field: the server may send them in another order. */
function isSame(some: readonly Endpoint[], others: readonly Endpoint[]): boolean {
  return JSON.stringify(some.map(stateOf)) === JSON.stringify(others.map(stateOf));
}

function stateOf(endpoint: Endpoint): readonly unknown[] {
  const { conditions = {}, nodeName, zone, targetRef = {}, hints = {} } = endpoint;
  return [
    identityOf(endpoint),
    conditions.ready,
    conditions.serving,
    conditions.terminating,
    nodeName,
    zone,
    targetRef.namespace,
    hints.forZones,
    hints.forNodes,
  ];
}

/** The same for the same endpoint, whatever its state. */
function identityOf({ addresses, hostname = '', targetRef = {} }: Endpoint): string {
  return JSON.stringify([addresses, hostname, targetRef.kind, targetRef.name, targetRef.uid]);
}

/** The same for the same ports, in whatever order. */
function textOf(ports: readonly EndpointPort[]): string {
  return JSON.stringify(
    ports
      .map(({ name = '', port, protocol = 'TCP', appProtocol }) =>
        JSON.stringify([name, port, protocol, appProtocol]),
      )
      .toSorted(),
  );
}
