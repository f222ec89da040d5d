// Reads a Compose file into the objects that it means here: a Service for each service, a Secret for each secret. Nothing of it is read
// by itself: files and variables are handed in. There is no library for this that is kept up: what each field means for a Pod
// is most of the work, and a JSON schema could not say what to do instead.
import type { Manifest, ManifestObject } from '../apply/manifest.ts';
import { ManifestError } from '../apply/manifest.ts';
import { dependenciesOf, inOrder, withDependencies } from './depends-on.ts';
import { parseCompose } from './document.ts';
import type { ComposeDocument, ComposeMap, ComposePath, ComposeValue } from './document.ts';
import { Field, pathText } from './field.ts';
import type { FieldSource } from './field.ts';
import { declaredConfigs, declaredSecrets } from './files.ts';
import type { DeclaredSecret } from './files.ts';
import { interpolate } from './interpolate.ts';
import { serviceName } from './names.ts';
import { serviceOf } from './service.ts';
import type { ComposeService } from './service.ts';
import { declaredVolumes } from './volumes.ts';

export interface ComposeRequest {
  /** For messages. */
  readonly file: string;
  readonly text: string;
  /** For `${NAME}`, and variables without a value: those of the process before those of `.env`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** A file as it is named in the Compose file. @throws Error that says why it cannot be read */
  readonly readFile: (path: string) => Buffer;
  /** Under which x-ports for HTTP get names; undefined: they get none, and serve any host. */
  readonly clusterDomain: string | undefined;
  /** Services of other profiles are left out; `*` stands for all. */
  readonly profiles?: readonly string[];
  /** Only these services and what they need; absent or empty: all. */
  readonly services?: readonly string[];
}

export interface ComposeProject {
  /** The `name` of the file. */
  readonly name: string | undefined;
  /** Secrets first, then services, each after what it depends on. */
  readonly manifests: readonly Manifest[];
  /** Every object that the file declares, selected or not, as `Kind/name`. */
  readonly declared: readonly string[];
  /** What is not done as the file says, with file and line. */
  readonly warnings: readonly string[];
}

const TOP_LEVEL = [
  'configs',
  'include',
  'models',
  'name',
  'networks',
  'secrets',
  'services',
  'version',
  'volumes',
];

/** @throws ManifestError that names file, line and field */
export function readCompose(request: ComposeRequest): ComposeProject {
  const { file, variables } = request;
  const document = parseCompose(file, request.text);
  const warnings = new Set<string>();
  const source: FieldSource = {
    file,
    lineOf: document.lineOf,
    warn: (text) => void warnings.add(text),
  };
  const root = new Field(interpolated(document, request, source), [], source);
  root.refuseUnknown(TOP_LEVEL);
  root.get('include')?.fail('is not followed: write one file, or deploy each one by itself');
  const networks = root.get('networks')?.entries() ?? [];
  if (networks.some(([name]) => name !== 'default'))
    root.get('networks')?.warn('ignored: all services can reach each other');
  const all = new Map(
    (root.get('services')?.entries() ?? []).map(([key, field]) => [serviceName(field, key), field]),
  );
  for (const field of all.values()) if (field.isNull) field.fail('is empty');
  const { dependencies, selected } = selection(all, request, file);
  const from = { readFile: request.readFile, variables };
  const secrets = declaredSecrets(root.get('secrets'), from);
  const declared = {
    volumes: declaredVolumes(root.get('volumes')),
    configs: declaredConfigs(root.get('configs'), from),
    secrets,
    from,
    clusterDomain: request.clusterDomain,
  };
  const services = inOrder(dependencies, (circle) => {
    all.get(circle[0] ?? '')?.fail(`services wait for each other: ${circle.join(' → ')}`);
  })
    .filter((name) => selected.has(name))
    .map((name) => {
      const field = all.get(name) ?? root;
      const needed = dependencies.get(name) ?? [];
      return [field, serviceOf(field, name, needed, declared)] as const;
    });
  checkMachinePorts(services);
  return {
    name: root.get('name')?.text(),
    manifests: [
      ...secretManifests(root, secrets, services),
      ...services.map(([field, object]) => manifestOf(file, field, object)),
    ],
    declared: [
      ...[...all.keys()].map((name) => `Service/${name}`),
      ...[...secrets.values()].map(({ secretName }) => `Secret/${secretName}`),
    ],
    warnings: [...warnings],
  };
}

/** Who waits for whom, and which services are wanted. */
function selection(
  all: ReadonlyMap<string, Field>,
  { profiles = [], services = [] }: ComposeRequest,
  file: string,
): {
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  readonly selected: ReadonlySet<string>;
} {
  const names = new Set(all.keys());
  const dependencies = new Map(
    [...all].map(([name, field]) => [name, dependenciesOf(field, names)] as const),
  );
  for (const name of services)
    if (!names.has(name))
      throw new ManifestError(
        { file },
        `there is no service ${JSON.stringify(name)}: it has ${[...names].join(', ') || 'none'}`,
      );
  const isActive = (field: Field): boolean => {
    const own = (field.get('profiles')?.items() ?? []).map((item) => item.text());
    return own.length === 0 || profiles.includes('*') || own.some((one) => profiles.includes(one));
  };
  // Who names a service wants it, whatever its profile; what it needs comes along.
  const wanted =
    services.length > 0
      ? services
      : [...all].filter(([, field]) => isActive(field)).map(([name]) => name);
  return { dependencies, selected: withDependencies(wanted, dependencies) };
}

/** A port of every machine can lead to one service only. */
function checkMachinePorts(services: readonly (readonly [Field, ComposeService])[]): void {
  const seen = new Map<string, Field>();
  for (const [field, { spec }] of services)
    for (const { port, protocol = 'TCP', host = '' } of spec.ingress ?? []) {
      const transport = protocol === 'UDP' ? 'udp' : 'tcp';
      const isByName = protocol === 'HTTP' || protocol === 'HTTPS';
      const key = `${port}/${transport}${isByName ? ` for ${host === '' ? 'every host' : host}` : ''}`;
      const other = seen.get(key);
      if (other !== undefined && other !== field)
        field.fail(`port ${key} is published by ${other.name} already`);
      seen.set(key, field);
    }
}

function secretManifests(
  root: Field,
  secrets: ReadonlyMap<string, DeclaredSecret>,
  services: readonly (readonly [Field, ComposeService])[],
): readonly Manifest[] {
  const used = new Set(
    services.flatMap(([, { spec }]) => [
      ...(spec.secrets ?? []).map(({ secretName = '' }) => secretName),
      ...spec.template.spec.containers.flatMap(({ env = [] }) =>
        env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? ''),
      ),
    ]),
  );
  return [...secrets].flatMap(([key, { secretName, key: at, content }]) => {
    const field = root.get('secrets')?.get(key);
    if (content === undefined || !used.has(secretName) || field === undefined) return [];
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName },
      type: 'Opaque',
      data: { [at]: content().toString('base64') },
    };
    return [manifestOf(root.file, field, object)];
  });
}

/** What the server refuses is told with the line where the service or the secret stands. */
function manifestOf(file: string, field: Field, object: ManifestObject): Manifest {
  return { file, number: 1, line: field.line, object, lineOf: () => field.line };
}

/** The file with its variables replaced, in values only. */
function interpolated(
  document: ComposeDocument,
  { file, variables }: ComposeRequest,
  { warn, lineOf }: FieldSource,
): ComposeMap {
  const walk = (value: ComposeValue, path: ComposePath): ComposeValue => {
    if (value === null) return null;
    if (typeof value === 'string') {
      try {
        return interpolate(value, { variables, onUnset: (name) => unset(name, path) });
      } catch (error) {
        const where = { file, line: lineOf(path) };
        throw new ManifestError(where, `${pathText(path)}: ${(error as Error).message}`);
      }
    }
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]),
    );
  };
  const told = new Set<string>();
  const unset = (name: string, path: ComposePath): void => {
    if (told.has(name)) return;
    told.add(name);
    warn(`${file}, line ${lineOf(path)}: variable ${name} is not set: it counts as empty`);
  };
  return walk(document.root, []) as ComposeMap;
}
