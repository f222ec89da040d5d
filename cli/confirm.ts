// Asks before something is changed. Whoever cannot be asked must have said yes beforehand.
import type { CommandIO } from './command.ts';
import { CommandError } from './usage-error.ts';

export interface Question {
  /** Ends with a question mark. */
  readonly question: string;
  /** What does not happen after a no, as a sentence begins: `Deploy`. */
  readonly action: string;
  /** Said beforehand, with --yes. */
  readonly isAgreed: boolean;
}

/** @throws CommandError when the answer is no, or there is nobody to ask */
export async function confirm(
  { question, action, isAgreed }: Question,
  io: Pick<CommandIO, 'ask' | 'stopSignal'>,
): Promise<void> {
  if (isAgreed) return;
  if (io.ask === undefined)
    throw new CommandError(
      `${question} No answer: nobody is there to ask, this is no terminal. No changes were made.`,
      'Pass --yes (or WINDLASS_YES=true) to go on without being asked.',
    );
  const cancelled = `${action} cancelled. No changes were made.`;
  const answer = await io.ask(`${question} [y/N] `, io.stopSignal()).catch((error: unknown) => {
    throw new CommandError(cancelled, undefined, { cause: error });
  });
  if (!/^y(es!?)?$/i.test(answer.trim())) throw new CommandError(cancelled);
}
