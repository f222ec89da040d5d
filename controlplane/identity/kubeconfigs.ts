// The kubeconfig files of a data directory: who uses them, with which certificate, for which address of the server.
import path from 'node:path';

import type { CertificateStore } from './certificate-store.ts';
import type { CertificateRequest, KeyPair } from './issuer.ts';
import { writeKubeconfig } from './kubeconfig.ts';

interface Owner {
  readonly user: string;
  readonly request: CertificateRequest;
}

interface Written {
  readonly client: KeyPair;
  readonly authorityCertificate: string;
}

export class Kubeconfigs {
  readonly #dataDir: string;
  readonly #certificates: CertificateStore;
  readonly #url: string;
  /** By the name of the file. */
  readonly #owners = new Map<string, Owner>();
  /** What each file was last written with. */
  readonly #written = new Map<string, Written>();

  constructor(dataDir: string, certificates: CertificateStore, url: string) {
    this.#dataDir = dataDir;
    this.#certificates = certificates;
    this.#url = url;
  }

  /** Writes `NAME.kubeconfig` with a certificate of the user, made or renewed when needed, and gives its path. */
  async write(
    name: string,
    user: string,
    groups: readonly string[],
    usage: 'client' | 'node' = 'client',
  ): Promise<string> {
    this.#owners.set(name, { user, request: { usage, commonName: user, organizations: groups } });
    await this.#refresh(name, false);
    return this.#fileOf(name);
  }

  /**
   * Writes again those whose certificate is near its end, or whose authority changed.
   *
   * @param isForced all of them, with new certificates
   * @returns names of the files that changed
   */
  async refresh(isForced: boolean): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const name of this.#owners.keys())
      if (await this.#refresh(name, isForced)) changed.push(name);
    return changed;
  }

  /** Those in the files, by name; PEM. */
  certificates(): readonly (readonly [string, string])[] {
    return [...this.#written].map(([name, { client }]) => [name, client.certificate] as const);
  }

  async #refresh(name: string, isForced: boolean): Promise<boolean> {
    const owner = this.#owners.get(name);
    if (owner === undefined) return false;
    const store = this.#certificates;
    const client = await (isForced
      ? store.renew(name, owner.request)
      : store.ensure(name, owner.request));
    const authorityCertificate = store.authority.trusted;
    const last = this.#written.get(name);
    if (
      last?.client.certificate === client.certificate &&
      last.authorityCertificate === authorityCertificate
    )
      return false;
    await writeKubeconfig(this.#fileOf(name), {
      server: this.#url,
      authorityCertificate,
      user: owner.user,
      client,
    });
    this.#written.set(name, { client, authorityCertificate });
    return true;
  }

  #fileOf(name: string): string {
    return path.join(this.#dataDir, `${name}.kubeconfig`);
  }
}
