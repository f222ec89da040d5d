// Stands for infrastructure that is not set up: every call says why.
import { ProviderUnavailable } from './errors.ts';
import type { FoundNode, InfraDriver } from './infra-driver.ts';
import type { Capability, NodeResult } from './provider.ts';

export class UnavailableDriver implements InfraDriver {
  readonly name: string;
  readonly isAvailable = false;
  readonly readyState = 'running';
  readonly stoppedStates: readonly string[] = [];
  readonly capabilities: readonly Capability[] = ['createNodes', 'deleteNodes', 'power'];
  readonly #why: string;

  /** @param why as `settings.image is missing`; never with a secret */
  constructor(name: string, why: string) {
    this.name = name;
    this.#why = why;
  }

  list(): Promise<readonly FoundNode[]> {
    return this.#refuse();
  }

  prepare(): Promise<void> {
    return this.#refuse();
  }

  create(): Promise<void> {
    return this.#refuse();
  }

  finish(): Promise<void> {
    return this.#refuse();
  }

  start(): Promise<void> {
    return this.#refuse();
  }

  stop(): Promise<void> {
    return this.#refuse();
  }

  remove(): Promise<void> {
    return this.#refuse();
  }

  removeResources(): Promise<readonly NodeResult[]> {
    return this.#refuse();
  }

  checkCredentials(): Promise<void> {
    return this.#refuse();
  }

  #refuse(): Promise<never> {
    return Promise.reject(new ProviderUnavailable(this.name, this.#why));
  }
}
