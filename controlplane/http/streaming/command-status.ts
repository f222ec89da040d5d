// How a command ended, as the client is told: a Status whose cause carries the exit code, in upstream's words.
import { ApiError, internalError } from '../../api/errors.ts';
import type { Status } from '../../api/errors.ts';

/** What the agent says at the end: an exit code, or why there is none. */
export type CommandExit = { readonly code: number } | { readonly error: string };

export const SUCCESS: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
};

export function statusOfExit(exit: CommandExit, command: readonly string[]): Status {
  if ('error' in exit) return internalError(exit.error).toStatus();
  if (exit.code === 0) return SUCCESS;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command [${command.join(' ')}], exit code ${exit.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exit.code) }] },
  };
}

/** The session ended before the command did. */
export function statusOfError(error: unknown): Status {
  if (error instanceof ApiError) return error.toStatus();
  return internalError(error instanceof Error ? error.message : String(error)).toStatus();
}

/** Control messages of the agent; undefined for others. */
export function parseExit(value: unknown): CommandExit | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, code, error } = value as Readonly<Record<string, unknown>>;
  if (type !== 'exit') return undefined;
  if (typeof error === 'string') return { error };
  return Number.isInteger(code) ? { code: Number(code) } : { error: 'the node gave no exit code' };
}
