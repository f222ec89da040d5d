// How far a pull is, from what the Engine says of each layer. Pure but for its own counts.
import type { PullProgress } from './runtime.ts';

interface Layer {
  readonly done: number;
  readonly total: number;
  readonly complete: boolean;
}

/** An image of more layers than this is somebody's joke; the rest is not counted. */
const MAXIMUM_LAYERS = 1_000;

export class PullMeter {
  readonly #layers = new Map<string, Layer>();

  get progress(): PullProgress {
    const layers = [...this.#layers.values()];
    const sum = (of: (layer: Layer) => number): number =>
      layers.reduce((total, layer) => total + of(layer), 0);
    return {
      layers: layers.length,
      layersDone: layers.filter(({ complete }) => complete).length,
      bytes: sum(({ total }) => total),
      bytesDone: sum(({ done }) => done),
    };
  }

  /** Takes one line. @returns what went wrong, in the Engine's words */
  take(line: string): string | undefined {
    if (line.trim() === '') return undefined;
    let said: {
      readonly status?: string;
      readonly id?: string;
      readonly error?: string;
      readonly progressDetail?: { readonly current?: number; readonly total?: number };
    };
    try {
      said = JSON.parse(line) as typeof said;
    } catch {
      return undefined;
    }
    if (said.error !== undefined) return said.error;
    if (said.id !== undefined) this.#note(said.id, said.status ?? '', said.progressDetail ?? {});
    return undefined;
  }

  #note(
    id: string,
    status: string,
    { current = 0, total = 0 }: { readonly current?: number; readonly total?: number },
  ): void {
    const before = this.#layers.get(id) ?? { done: 0, total: 0, complete: false };
    switch (status) {
      case 'Downloading':
        this.#set(id, { ...before, done: current, total: Math.max(total, before.total) });
        break;
      case 'Download complete':
      case 'Extracting':
        this.#set(id, { ...before, done: before.total });
        break;
      case 'Pull complete':
      case 'Already exists':
        this.#set(id, { ...before, done: before.total, complete: true });
        break;
      case 'Pulling fs layer':
      case 'Waiting':
        this.#set(id, before);
        break;
      default:
    }
  }

  #set(id: string, layer: Layer): void {
    if (this.#layers.has(id) || this.#layers.size < MAXIMUM_LAYERS) this.#layers.set(id, layer);
  }
}
