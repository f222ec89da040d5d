// Output of a command that nobody trusts: the first megabyte is kept, the rest is counted and forgotten.
import { StringDecoder } from 'node:string_decoder';

const MOST_BYTES = 1 << 20;

export class BoundedOutput {
  readonly #most: number;
  readonly #parts: Buffer[] = [];
  #kept = 0;
  #cut = 0;

  /** @param most bytes that are kept; default 1 MiB */
  constructor(most = MOST_BYTES) {
    this.#most = most;
  }

  /** Whether there was more than is kept. */
  get isCut(): boolean {
    return this.#cut > 0;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  add(chunk: Uint8Array): void {
    const room = this.#most - this.#kept;
    // A copy: a small view would hold the whole buffer that it came in.
    const part = Buffer.from(chunk.subarray(0, room));
    if (part.length > 0) this.#parts.push(part);
    this.#kept += part.length;
    this.#cut += chunk.length - part.length;
  }

  /** What was kept, as text; where something was cut, the last line says how much. */
  text(): string {
    // A character that the cut went through is left out.
    const text = new StringDecoder('utf8').write(this.bytes());
    return this.#cut === 0 ? text : `${text}\n[${this.#cut} more bytes were cut]\n`;
  }
}
