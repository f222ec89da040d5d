// The example of deploy/examples/hello, changed for a test: another port, greeting, number of instances.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './windlass.ts';

const folder = join(projectRoot, 'deploy', 'examples', 'hello');

export interface HelloChanges {
  readonly port: number;
  readonly greeting?: string;
  readonly replicas?: number;
  /** More replacements in the text of service.yaml; each must apply. */
  readonly replace?: Readonly<Record<string, string>>;
}

/** Both manifests of the example as one text. */
export function helloManifest(changes: HelloChanges): string {
  const program = readFileSync(join(folder, 'program.yaml'), 'utf8');
  let service = readFileSync(join(folder, 'service.yaml'), 'utf8');
  const replacements = {
    'port: 8080': `port: ${changes.port}`,
    'value: Hello from Windlass': `value: ${changes.greeting ?? 'Hello from Windlass'}`,
    'replicas: 3': `replicas: ${changes.replicas ?? 3}`,
    ...changes.replace,
  };
  for (const [from, to] of Object.entries(replacements)) {
    if (!service.includes(from)) throw new Error(`the example holds no ${JSON.stringify(from)}`);
    service = service.replace(from, to);
  }
  return `${program}---\n${service}`;
}
