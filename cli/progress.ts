// Live lines: one per key, redrawn in place on a terminal, printed once per change elsewhere.

export interface Progress {
  /** Sets the text of a line; a new key adds a line below the others. */
  update(key: string, text: string): void;
  /** Prints above the live lines, or as the next line. `text` ends without a newline. */
  say(text: string): void;
  /** Leaves the lines as they are and starts afresh below. */
  freeze(): void;
}

/** @param columns width of the terminal, or undefined when standard output is none */
export function createProgress(
  write: (text: string) => void,
  columns: (() => number) | undefined,
): Progress {
  return columns === undefined ? plainProgress(write) : new TerminalProgress(write, columns);
}

function plainProgress(write: (text: string) => void): Progress {
  const lines = new Map<string, string>();
  return {
    update(key, text) {
      if (lines.get(key) === text) return;
      lines.set(key, text);
      write(`${text}\n`);
    },
    say: (text) => write(`${text}\n`),
    freeze: () => lines.clear(),
  };
}

/** Longest list of lines that is redrawn: more would scroll out of reach of the cursor. */
const MOST_LIVE_LINES = 20;

class TerminalProgress implements Progress {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #lines = new Map<string, string>();

  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  update(key: string, text: string): void {
    if (this.#lines.get(key) === text) return;
    this.#redraw(() => {
      if (!this.#lines.has(key) && this.#lines.size >= MOST_LIVE_LINES) this.#lines.clear();
      this.#lines.set(key, text);
    });
  }

  say(text: string): void {
    this.#redraw(() => undefined, `${text}\n`);
  }

  freeze(): void {
    this.#lines.clear();
  }

  /** Moves up over the lines, applies the change, writes them again; each is cut to the width so that none wraps. */
  #redraw(change: () => void, above = ''): void {
    const up = this.#lines.size === 0 ? '' : `\u001B[${this.#lines.size}A\u001B[J`;
    const before = this.#lines.size;
    const drawn = [...this.#lines.values()];
    change();
    const restarted = before > 0 && this.#lines.size < before;
    const width = Math.max(20, this.#columns() - 1);
    const draw = (texts: readonly string[]): string =>
      texts.map((text) => `${text.slice(0, width)}\n`).join('');
    this.#write(up + above + (restarted ? draw(drawn) : '') + draw([...this.#lines.values()]));
  }
}
