// Which Kubernetes API this is, for the server's /version and the command line.

/** The minor version of Kubernetes 1 whose API we speak. Clients compare it as a number. */
export const KUBERNETES_MINOR = '37';

/** `v1.37.0+windlass.0.1.0`: a semantic version, as Helm and client-go insist. */
export function gitVersionOf(windlassVersion: string): string {
  return `v1.${KUBERNETES_MINOR}.0+windlass.${windlassVersion}`;
}

/** `0.1.0` of `v1.37.0+windlass.0.1.0`; undefined for a version of others. */
export function windlassVersionOf(gitVersion: string): string | undefined {
  return /\+windlass\.(.+)$/.exec(gitVersion)?.[1];
}

/** Whether a server's gitVersion is one of ours. */
export function isWindlassVersion(gitVersion: string): boolean {
  return gitVersion.includes('+windlass.');
}
