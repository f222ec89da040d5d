// The certificate for a route, wherever it comes from; who owns the Service is told when there is none.
import type { Certificate } from './certificate.ts';
import type { IngressService, Route } from './entry.ts';
import type { CertificateStore } from './ingress-table.ts';

/** One of the two sources. */
interface Source {
  want(keys: ReadonlySet<string>): void;
  find(key: string): Certificate | undefined;
  problemOf(key: string): string | undefined;
}

export interface CertificatesOptions {
  /** By host. */
  readonly internal: Source;
  /** By `namespace/name`. */
  readonly secrets: Source;
  readonly warn: (service: IngressService, reason: string, message: string) => void;
}

export class Certificates implements CertificateStore {
  readonly #options: CertificatesOptions;
  #routes: readonly Route[] = [];
  #told = new Set<string>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  want(routes: readonly Route[]): void {
    this.#routes = routes;
    const keys = (source: Source): Set<string> =>
      new Set(
        routes
          .filter((route) => this.#of(route)?.source === source)
          .map((route) => this.#of(route)?.key ?? ''),
      );
    this.#options.internal.want(keys(this.#options.internal));
    this.#options.secrets.want(keys(this.#options.secrets));
    this.changed();
  }

  find(route: Route): Certificate | undefined {
    const of = this.#of(route);
    return of?.source.find(of.key);
  }

  /** Tells what is wrong, once, and again only after it was right. */
  changed(): void {
    const now = new Set<string>();
    for (const route of this.#routes) {
      const of = this.#of(route);
      const problem = of?.source.problemOf(of.key);
      if (problem === undefined) continue;
      const key = `${route.service.metadata.uid} ${problem}`;
      if (!now.has(key) && !this.#told.has(key))
        this.#options.warn(route.service, 'IngressCertificate', problem);
      now.add(key);
    }
    this.#told = now;
  }

  #of({ certificate, host }: Route): { readonly source: Source; readonly key: string } | undefined {
    if (certificate === undefined) return undefined;
    const { internal, secrets } = this.#options;
    return certificate.type === 'Internal'
      ? { source: internal, key: host }
      : { source: secrets, key: `${certificate.namespace}/${certificate.name}` };
  }
}
