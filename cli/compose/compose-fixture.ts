// Compose files of tests, and what is around them.
import type { ServiceSpec } from '#controllers/service/types.ts';
import { readCompose } from './read-compose.ts';
import type { ComposeProject, ComposeRequest } from './read-compose.ts';

const FILES: Readonly<Record<string, Buffer>> = {
  'a.env': Buffer.from('A=a\nB="two words"\n'),
  'app.conf': Buffer.from('x=1\n'),
  'bad.env': Buffer.from('A=geheim\nnonsense here\n'),
  binary: Buffer.from([255, 0]),
};

export function composeOf(text: string, change: Partial<ComposeRequest> = {}): ComposeProject {
  return readCompose({
    file: 'compose.yaml',
    text,
    variables: { GIVEN: 'here', TOKEN: 'geheim' },
    readFile: (path) => {
      const content = FILES[path];
      if (content === undefined) throw new Error(`${path} cannot be read`);
      return content;
    },
    clusterDomain: 'internal',
    ...change,
  });
}

/** A file with a service `a` of these lines, one `b`, and things to mount. */
export function fileOf(lines: string): string {
  const indented = lines
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('');
  return `services:
  a:
    image: nginx
${indented}  b: {image: nginx}
volumes:
  data_1:
  shared: {name: other}
  there: {external: true}
  driven: {driver_opts: {type: nfs}}
configs:
  app.conf: {file: app.conf}
  binary: {file: binary}
secrets:
  token: {environment: TOKEN}
`;
}

/** Spec of the service `a`. */
export function specOf(lines: string): ServiceSpec {
  const { manifests } = composeOf(fileOf(lines), { services: ['a'] });
  return manifests.at(-1)?.object['spec'] as ServiceSpec;
}
