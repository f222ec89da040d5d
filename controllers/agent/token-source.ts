// Which tokens a Pod's volumes ask for. Pure.
import type { Pod } from './pod.ts';

/** A `serviceAccountToken` of a projected volume. */
export interface TokenProjection {
  readonly audience?: string;
  readonly expirationSeconds?: number;
  /** Of the file, in the volume. */
  readonly path: string;
}

export interface TokenSource {
  readonly volume: string;
  readonly mode: number | undefined;
  readonly projection: TokenProjection;
}

const DEFAULT_SECONDS = 3600;

export function tokenSourcesOf(pod: Pod): readonly TokenSource[] {
  return (pod.spec.volumes ?? []).flatMap(({ name: volume, projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
      serviceAccountToken === undefined
        ? []
        : [{ volume, mode: projected?.defaultMode, projection: serviceAccountToken }],
    ),
  );
}

export function lifetimeSeconds({ expirationSeconds = DEFAULT_SECONDS }: TokenProjection): number {
  return expirationSeconds;
}

/** The same for sources that one token serves. */
export function tokenKey(projection: TokenProjection): string {
  return JSON.stringify([projection.audience ?? '', lifetimeSeconds(projection)]);
}
