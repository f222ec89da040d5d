// Commands of windlass as a user runs them, through the launcher.
import assert from 'node:assert/strict';
import { runCommand } from './command.ts';
import type { CommandResult } from './command.ts';
import { launcher, projectRoot } from './windlass.ts';

export function windlass(...args: readonly string[]): Promise<CommandResult> {
  return runCommand('node', [launcher, ...args], { cwd: projectRoot });
}

/** Standard output of a command that must end with 0. */
export async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await windlass(...args);
  assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}
