// The real kubectl against one server. KUBECTL names another than the one on the PATH.
import { spawnSync } from 'node:child_process';
import { outputOf, runCommand } from './command.ts';
import type { CommandOptions, CommandResult } from './command.ts';

const binary = process.env['KUBECTL'] ?? 'kubectl';

/** Why kubectl cannot be used here, if so. */
export function missingKubectl(): string | undefined {
  const { error } = spawnSync(binary, ['version', '--client'], { stdio: 'ignore' });
  return error === undefined ? undefined : `no kubectl (${error.message})`;
}

export class Kubectl {
  readonly #kubeconfig: string;
  readonly #home: string;

  /** @param home folder for kubectl's discovery cache, so that no other test's answers are in it */
  constructor(kubeconfig: string, home: string) {
    this.#kubeconfig = kubeconfig;
    this.#home = home;
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#home };
  }

  /** Standard output; rejects when kubectl fails. */
  ok(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return outputOf(binary, args, { ...options, env: this.environment });
  }

  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(binary, args, { ...options, env: this.environment });
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '-o', 'json'])) as T;
  }

  apply(manifest: string): Promise<string> {
    return this.ok(['apply', '-f', '-'], { input: manifest });
  }
}

/** The binary, for tests that follow its output. */
export const kubectlBinary: string = binary;
