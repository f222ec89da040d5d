// What somebody else's provider throws, for people. It may be anything: no error, a text of megabytes, commands for a terminal, or a thing
// that throws when it is looked at.
import { terminalText } from '#platform/terminal-text.ts';

/** As much as an Event may say. */
const MOST = 1_000;

/** Never throws. */
export function toldMessage(thrown: unknown): string {
  const text = textOf(thrown).toWellFormed();
  return terminalText(text.length > MOST ? `${text.slice(0, MOST).toWellFormed()}…` : text);
}

function textOf(thrown: unknown): string {
  try {
    const said: unknown = thrown instanceof Error ? thrown.message : thrown;
    return String(said);
  } catch {
    return 'an error that cannot be shown';
  }
}
