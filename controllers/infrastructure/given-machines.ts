// Machines that are there already and are named by their addresses: nothing is made, listed or powered through a provider.
import { NotSupported } from './errors.ts';
import type { FoundNode, InfraDriver } from './infra-driver.ts';
import type { NodeResult } from './provider.ts';

export class GivenMachines implements InfraDriver {
  readonly name = 'ssh';
  readonly isAvailable = true;
  readonly readyState = 'running';
  readonly stoppedStates: readonly string[] = [];
  readonly capabilities = [];

  list(): Promise<readonly FoundNode[]> {
    return Promise.resolve([]);
  }

  prepare(): Promise<void> {
    return this.#refuse('create nodes');
  }

  create(): Promise<void> {
    return this.#refuse('create nodes');
  }

  finish(): Promise<void> {
    return this.#refuse('create nodes');
  }

  start(): Promise<void> {
    return this.#refuse('start nodes');
  }

  stop(): Promise<void> {
    return this.#refuse('stop nodes');
  }

  remove(): Promise<void> {
    return this.#refuse('delete nodes');
  }

  removeResources(): Promise<readonly NodeResult[]> {
    return Promise.resolve([]);
  }

  checkCredentials(): Promise<void> {
    return Promise.resolve();
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(new NotSupported(this.name, what));
  }
}
