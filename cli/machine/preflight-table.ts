// The report of a Machine's preflight checks as a table.

export interface PreflightReport {
  readonly status?: string;
  readonly summary?: string;
  readonly checks?: readonly {
    readonly name?: string;
    readonly target?: string;
    readonly severity?: string;
    readonly message?: string;
    readonly ignored?: boolean;
  }[];
}

/** Lines, the last one the summary. */
export function preflightTable(machine: string, report: PreflightReport): string {
  const rows = (report.checks ?? []).map(
    ({ name = '', target = '', severity = '', message = '', ignored }) => [
      ignored === true ? `${severity} (ignored)` : severity,
      target === '' ? name : `${name} ${target}`,
      message,
    ],
  );
  const widths = [0, 1].map((column) =>
    Math.max(0, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const summary = `${machine}: ${report.status ?? 'unknown'}${report.summary === undefined ? '' : `, ${report.summary}`}`;
  return [...lines, summary, ''].join('\n');
}
