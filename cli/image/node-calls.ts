// Calls to the agent of one machine about an image that is pushed to it, through the API server.
import type { HttpClient } from '#controllers/machinery/client.ts';

/** What the agent is told of an image. */
export interface ImageFacts {
  readonly id: string;
  readonly name: string;
  readonly layers: readonly string[];
  readonly config?: string;
}

export interface ImagePlan {
  /** `unnamed`: it is there and wants only the name. */
  readonly state: 'present' | 'unnamed' | 'absent';
  /** Layers to send; of some a part is there. */
  readonly blobs: readonly { readonly digest: string; readonly received: number }[];
}

export type LoadState = 'loaded' | 'loading' | 'missing';

export class NodeCalls {
  readonly #client: Pick<HttpClient, 'postBytes'>;
  readonly #base: string;

  constructor(client: Pick<HttpClient, 'postBytes'>, node: string) {
    this.#client = client;
    this.#base = `/api/v1/nodes/${encodeURIComponent(node)}/proxy/windlass-images`;
  }

  async plan(image: ImageFacts, signal: AbortSignal): Promise<ImagePlan> {
    const answer = await this.#call('plan', Buffer.from(JSON.stringify(image)), signal);
    const { state, blobs } = answer;
    if (state !== 'present' && state !== 'unnamed' && state !== 'absent') throw this.#odd('plan');
    if (!Array.isArray(blobs)) throw this.#odd('plan');
    return {
      state,
      blobs: blobs.map((blob: unknown) => {
        const { digest, received } = (blob ?? {}) as Readonly<Record<string, unknown>>;
        // Only what it was asked about: its words become names of files here.
        const isKnown = typeof digest === 'string' && image.layers.includes(digest);
        if (!isKnown || typeof received !== 'number') throw this.#odd('plan');
        return { digest, received };
      }),
    };
  }

  /** @returns how many bytes of the whole are there now */
  async blob(
    digest: string,
    { offset, size }: { readonly offset: number; readonly size: number },
    bytes: Buffer,
    signal: AbortSignal,
  ): Promise<number> {
    const query = new URLSearchParams({ digest, offset: String(offset), size: String(size) });
    const { received } = await this.#call(`blob?${query.toString()}`, bytes, signal);
    if (typeof received !== 'number' || received < 0 || received > size) throw this.#odd('blob');
    return received;
  }

  async load(image: ImageFacts, signal: AbortSignal): Promise<LoadState> {
    const { state } = await this.#call('load', Buffer.from(JSON.stringify(image)), signal);
    if (state !== 'loaded' && state !== 'loading' && state !== 'missing') throw this.#odd('load');
    return state;
  }

  async #call(
    what: string,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#client.postBytes(`${this.#base}/${what}`, body, signal);
    return (answer ?? {}) as Readonly<Record<string, unknown>>;
  }

  #odd(what: string): Error {
    return new Error(
      `the agent answered ${what} with something unknown: is it of another version?`,
    );
  }
}
