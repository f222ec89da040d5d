// The short screen after the first rollout: where things are and what to try.
import { relative } from 'node:path';
import type { ServiceSummary } from '../thread-messages.ts';

export interface ScreenFacts {
  readonly server: { readonly url: string; readonly adminKubeconfig: string };
  readonly services: readonly ServiceSummary[];
  readonly manifests: readonly string[];
}

/** Lines between two empty ones. */
export function closingScreen({ server, services, manifests }: ScreenFacts): string {
  const [first] = services;
  const lines = services.flatMap(({ name, addresses, troubles }) => [
    ...addresses.map((address) => `${name} answers at`.padEnd(24) + address),
    ...troubles.map((trouble) => `${name} does not answer: ${trouble}`),
  ]);
  lines.push('the API server is at'.padEnd(24) + server.url);
  lines.push('its kubeconfig is'.padEnd(24) + server.adminKubeconfig, '');
  lines.push('Try in a second terminal, in this folder:');
  lines.push(`  export KUBECONFIG=${quote(server.adminKubeconfig)}`);
  if (first === undefined) lines.push('  kubectl get nodes -o wide');
  else {
    const inNamespace = first.namespace === 'default' ? '' : ` -n ${first.namespace}`;
    const paths = manifests.map((path) => {
      const shown = relative(process.cwd(), path);
      return shown === '' || shown.startsWith('..') ? path : shown;
    });
    lines.push(
      `  kubectl get pods -o wide${inNamespace}`,
      `  kubectl scale service.windlass.dev/${first.name} --replicas=5${inNamespace}`,
      `  npx windlass history ${first.name}${inNamespace === '' ? '' : ` --namespace ${first.namespace}`}`,
      `  npx windlass rollback ${first.name}${inNamespace === '' ? '' : ` --namespace ${first.namespace}`}`,
      `Change ${paths.join(' or ')} and save: it is applied at once.`,
    );
  }
  lines.push('Ctrl-C stops everything that runs here; the state stays.');
  return `\n${lines.map((line) => `${line}\n`).join('')}\n`;
}

/** As a word of a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
