// A progress bar on the terminal for work of known size. Where there is no terminal, or JSON is asked for, it says nothing.
import type { CommandIO } from '../command.ts';
import { createProgress } from '../progress.ts';

const WIDTH = 24;

export interface Bar {
  /** @param note what stands behind the percentage */
  update(done: number, of: number, note?: string): void;
  /** Leaves the bar as it is. */
  end(): void;
}

const SILENT: Bar = { update: () => undefined, end: () => undefined };

export function createBar(io: CommandIO, label: string, isJSON: boolean): Bar {
  const { columns } = io;
  if (columns === undefined || isJSON) return SILENT;
  const progress = createProgress(io.out, columns);
  return {
    update: (done, of, note = '') => progress.update(label, barText(label, done, of, note)),
    end: () => progress.freeze(),
  };
}

/** `backing up  [######------------------]  25 %  note` */
export function barText(label: string, done: number, of: number, note: string): string {
  const share = of <= 0 ? 1 : Math.min(1, Math.max(0, done / of));
  const filled = Math.floor(share * WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const bar = `${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}`;
  return `${label}  [${bar}]  ${percent} %${note === '' ? '' : `  ${note}`}`;
}
