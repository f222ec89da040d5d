// The report of a Machine's preflight checks as a table.
import { alignRows } from '../output.ts';

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
  const summary = `${machine}: ${report.status ?? 'unknown'}${report.summary === undefined ? '' : `, ${report.summary}`}`;
  return `${alignRows(rows, '  ')}${summary}\n`;
}
