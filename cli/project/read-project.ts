// What a command is given with --file, as one project: manifests and Compose files, the services that were asked for, in an order in
// which each comes after what it depends on, labelled with the project that they belong to.
import { isCompose } from '../compose/document.ts';
import { labelOf } from '../compose/names.ts';
import { readCompose } from '../compose/read-compose.ts';
import type { ComposeProject } from '../compose/read-compose.ts';
import type { CommandIO } from '../command.ts';
import { ManifestError, manifestFiles, parseManifests } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import { told } from '../file-options.ts';
import type { FileValues } from '../file-options.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { composeFolder, composeVariables, readBeside, readText } from './compose-files.ts';
import { selectServices, servicesLast } from './select-services.ts';

/** On everything that was deployed as part of a project. */
export const PROJECT_LABEL = 'windlass.dev/project';

export interface Project {
  /** Undefined for manifests without --project: then nothing is labelled. */
  readonly name: string | undefined;
  /** Of the services that were asked for and what they need, and of everything else. */
  readonly manifests: readonly Manifest[];
  /** All that the files hold, asked for or not, as keyOf() has it. */
  readonly declared: ReadonlySet<string>;
  /** What is not done as a file says. */
  readonly warnings: readonly string[];
}

interface Source {
  readonly file: string;
  readonly text: string;
}

/**
 * @param services names of the services that are wanted; empty: all
 * @throws UsageError without --file; CommandError for a file that cannot be used, an object of another namespace than the one
 * that was asked for, or a service that is not there
 */
export async function readProject(
  values: FileValues,
  services: readonly string[],
  io: CommandIO,
): Promise<Project> {
  if (values.file.length === 0)
    throw new UsageError(
      '--file is missing: name a manifest or a Compose file with -f FILE, or - for standard input',
    );
  return told(async () => {
    const sources: Source[] = [];
    for (const path of values.file) sources.push(...(await sourcesAt(path, io)));
    const compose = sources.filter(({ text }) => isCompose(text));
    if (compose.length > 1)
      throw new CommandError(
        `${compose.map(({ file }) => file).join(', ')}: several Compose files are not merged`,
        'Write one file, with variables for what differs, or deploy each by itself with a --project of its own.',
      );
    const plain = sources
      .filter((source) => !compose.includes(source))
      .flatMap(({ file, text }) => parseManifests(file, text));
    return projectOf(values, plain, compose[0], services, io);
  });
}

async function sourcesAt(path: string, io: CommandIO): Promise<readonly Source[]> {
  if (path === '-') return [{ file: 'standard input', text: await io.readInput() }];
  return manifestFiles(path).map((file) => ({ file, text: readText(file) }));
}

function projectOf(
  values: FileValues,
  plain: readonly Manifest[],
  source: Source | undefined,
  services: readonly string[],
  io: CommandIO,
): Project {
  const ours = selectServices(plain, services);
  const others = services.filter((name) => !ours.found.has(name));
  const composed =
    source === undefined ? undefined : composedOf(source, values, others, io.environment);
  const [missing] = source === undefined ? others : [];
  if (missing !== undefined)
    throw new CommandError(
      `there is no service ${JSON.stringify(missing)} in ${values.file.join(', ')}: ${ours.known}`,
    );
  // Names that are all of manifests want nothing of the Compose file.
  const wanted = services.length > 0 && others.length === 0 ? [] : (composed?.manifests ?? []);
  const name = projectName(values, composed, source, io.environment);
  const unordered = [...ours.manifests, ...wanted];
  checkTwice(unordered);
  const manifests = servicesLast(unordered).map((manifest) =>
    name === undefined ? manifest : labelled(manifest, name),
  );
  if (plain.length + (composed?.declared.length ?? 0) === 0)
    throw new CommandError(`${values.file.join(', ')}: there is no object in it`);
  checkNamespaces(manifests, values.namespace);
  const namespace = values.namespace ?? 'default';
  return {
    name,
    manifests,
    declared: new Set([
      ...plain.map(({ object: { apiVersion, kind, metadata } }) =>
        keyOf(groupOf(apiVersion), kind, metadata.namespace ?? namespace, metadata.name),
      ),
      ...(composed?.declared ?? []).map((one) => {
        const [kind = '', object = ''] = one.split('/');
        return keyOf(kind === 'Service' ? 'windlass.dev' : '', kind, namespace, object);
      }),
    ]),
    warnings: composed?.warnings ?? [],
  };
}

/** Of an object in `Project.declared`. */
export function keyOf(group: string, kind: string, namespace: string, name: string): string {
  return [group, kind, namespace, name].join('/');
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.replace(/\/.*$/, '') : '';
}

function composedOf(
  { file, text }: Source,
  values: FileValues,
  services: readonly string[],
  environment: CommandIO['environment'],
): ComposeProject {
  const folder = composeFolder(file);
  return readCompose({
    file,
    text,
    variables: composeVariables(folder, values['env-file'], environment),
    readFile: (path) => readBeside(folder, path),
    clusterDomain: values['cluster-domain'],
    profiles: values.profile,
    services,
  });
}

/** As Compose finds it: asked for, in the file, in the environment, or the name of the folder. */
function projectName(
  values: FileValues,
  composed: ComposeProject | undefined,
  source: Source | undefined,
  environment: CommandIO['environment'],
): string | undefined {
  if (values.project !== undefined) {
    if (labelOf(values.project) === values.project) return values.project;
    throw new UsageError(
      `--project ${JSON.stringify(values.project)} must be up to 63 lower-case letters, digits and -`,
    );
  }
  if (composed === undefined || source === undefined) return undefined;
  const folder = source.file === 'standard input' ? undefined : composeFolder(source.file);
  const name = composed.name ?? environment['COMPOSE_PROJECT_NAME'] ?? folder?.split('/').at(-1);
  return labelOf(name ?? '');
}

function labelled(manifest: Manifest, name: string): Manifest {
  const { metadata } = manifest.object;
  // What is no map is the server's to refuse.
  if (metadata.labels !== undefined && typeof metadata.labels !== 'object') return manifest;
  const labels = { ...metadata.labels, [PROJECT_LABEL]: name };
  return { ...manifest, object: { ...manifest.object, metadata: { ...metadata, labels } } };
}

function checkNamespaces(manifests: readonly Manifest[], wanted: string | undefined): void {
  for (const { file, line, object } of manifests) {
    const { namespace } = object.metadata;
    if (wanted === undefined || namespace === undefined || namespace === wanted) continue;
    throw new CommandError(
      `${file}, line ${line}: ${object.kind} ${object.metadata.name} is of namespace ${namespace}, and --namespace says ${wanted}`,
      'Leave out one of the two.',
    );
  }
}

/** Of two documents for one object the second would undo the first, at each deployment again. */
function checkTwice(manifests: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest.object;
    const key = keyOf(groupOf(apiVersion), kind, metadata.namespace ?? '', metadata.name);
    const other = seen.get(key);
    if (other !== undefined)
      throw new ManifestError(
        manifest,
        `${kind} ${metadata.name} is in ${other.file}, line ${other.line} already`,
      );
    seen.set(key, manifest);
  }
}
