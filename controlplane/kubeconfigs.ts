// The kubeconfig files of a data directory: who uses them, with which certificate, for which address of the server.
import path from 'node:path';

import type { CertificateStore } from './identity/certificate-store.ts';
import { writeKubeconfig } from './identity/kubeconfig.ts';

export class Kubeconfigs {
  readonly #dataDir: string;
  readonly #certificates: CertificateStore;
  readonly #url: string;

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
    const client = await this.#certificates.ensure(name, {
      usage,
      commonName: user,
      organizations: groups,
    });
    const file = path.join(this.#dataDir, `${name}.kubeconfig`);
    await writeKubeconfig(file, {
      server: this.#url,
      authorityCertificate: this.#certificates.authorityCertificate,
      user,
      client,
    });
    return file;
  }
}
