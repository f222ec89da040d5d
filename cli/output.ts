// Tables and durations for people, in the form that kubectl users know.
import { terminalLine } from '#platform/terminal-text.ts';

/** Columns padded to their widest cell, three spaces apart; the header in capitals as it is given. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return alignRows([header, ...rows], '   ');
}

/** A line per row, its columns padded to their widest cell and `gap` apart; the first row says how many columns there are. */
export function alignRows(cells: readonly (readonly string[])[], gap: string): string {
  const rows = cells.map((row) => row.map(terminalLine));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      widths
        .map((width, column) => (row[column] ?? '').padEnd(width))
        .join(gap)
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** `42s`, `5m10s`, `3h`, `2d4h`: at most two units, as kubectl's AGE. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 ? withRest(days, 'd', hours % 24, 'h') : `${days}d`;
}

function withRest(whole: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${whole}${unit}` : `${whole}${unit}${rest}${restUnit}`;
}
