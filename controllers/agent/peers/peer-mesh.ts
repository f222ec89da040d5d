// Links to all other nodes that say where their agent listens: the source of the instances of other machines.
import type { Logger } from '#platform/logging.ts';
import type { ApiObject } from '../../machinery/client-types.ts';
import type { InstanceSource, ServiceInstance } from '../endpoints.ts';
import type { PeerAddress } from './peer-dial.ts';
import { PeerLink } from './peer-link.ts';
import type { PeerLinkOptions } from './peer-link.ts';

/** On a Node: where its agent listens for others, `host:port`. */
export const PEER_ANNOTATION = 'windlass.dev/peer';

export interface PeerMeshOptions extends Omit<PeerLinkOptions, 'address'> {
  readonly nodeName: string;
  readonly nodes: () => readonly ApiObject[];
  readonly logger: Logger;
}

interface Held {
  readonly link: PeerLink;
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

export class PeerMesh implements InstanceSource {
  readonly #options: PeerMeshOptions;
  readonly #links = new Map<string, Held>();
  #isClosed = false;

  constructor(options: PeerMeshOptions) {
    this.#options = options;
  }

  *ready(): Generator<ServiceInstance> {
    for (const { link } of this.#links.values()) yield* link.ready();
  }

  /** Brings the links in line with the Nodes. */
  sync(): void {
    if (this.#isClosed) return;
    const wanted = new Map<string, PeerAddress>();
    for (const { metadata } of this.#options.nodes()) {
      if (metadata.name === this.#options.nodeName) continue;
      const address = peerAddressOf(metadata.name, metadata.annotations?.[PEER_ANNOTATION] ?? '');
      if (address !== undefined) wanted.set(keyOf(address), address);
    }
    for (const [key, { stop }] of this.#links) {
      if (wanted.has(key)) continue;
      this.#links.delete(key);
      stop();
    }
    for (const [key, address] of wanted) if (!this.#links.has(key)) this.#open(key, address);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const held = [...this.#links.values()];
    for (const { stop } of held) stop();
    await Promise.all(held.map(({ ended }) => ended));
    this.#links.clear();
  }

  #open(key: string, address: PeerAddress): void {
    const lifetime = new AbortController();
    const link = new PeerLink({ ...this.#options, address });
    const ended = link.run(lifetime.signal);
    this.#links.set(key, {
      link,
      stop: () => lifetime.abort(new Error('no longer wanted')),
      ended,
    });
  }
}

function keyOf({ node, host, port }: PeerAddress): string {
  return `${node} ${host}:${port}`;
}

/** `10.0.0.5:6444`, `[fd00::5]:6444` or `name:6444`; undefined for anything else. */
export function peerAddressOf(node: string, text: string): PeerAddress | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { node, host, port };
}
