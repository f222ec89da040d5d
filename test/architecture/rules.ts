// Who may import whom, as a table, and the few rules that are about more than folders. ARCHITECTURE.md explains why.
import { cycles } from './cycles.ts';
import { formViolations } from './form-rules.ts';
import { GLOBALS } from './global-homes.ts';
import { importsOf, withoutComments } from './imports.ts';
import type { Import, SourceFile } from './imports.ts';

/** Parts of the server that write through the registry by themselves. */
const WITH_REGISTRY: readonly string[] = [
  'platform/',
  'controlplane/api/',
  'controlplane/identity/',
  'controlplane/registry/',
  'controlplane/store/',
];

/** What is below each folder may import: itself, and these folders (`persistence/`) or files. The longest match rules. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'platform/': [],
  'persistence/': ['platform/'],
  'persistence/open.ts': ['platform/', 'persistence/'],
  'persistence/thread/': ['platform/', 'persistence/*'],
  'persistence/backup/': ['platform/', 'persistence/*', 'persistence/segments/record-line.ts'],
  'persistence/sqlite/': ['platform/', 'persistence/*', 'persistence/thread/'],
  'persistence/segments/': ['platform/', 'persistence/*', 'persistence/thread/'],
  'persistence/s3/': ['platform/', 'persistence/*', 'persistence/thread/', 'persistence/segments/'],
  'persistence/nfs/': [
    'platform/',
    'persistence/*',
    'persistence/thread/',
    'persistence/segments/',
  ],
  'persistence/manager/': ['platform/', 'persistence/*'],
  'persistence/secrets/': ['platform/', 'persistence/*'],
  'persistence/module/': ['platform/', 'persistence/*'],
  'controlplane/api/': ['platform/quantity.ts', 'platform/yaml.ts'],
  'controlplane/store/': [
    'platform/',
    'controlplane/api/',
    'persistence/log.ts',
    'persistence/provider.ts',
    'persistence/errors.ts',
    'persistence/encoding.ts',
  ],
  'controlplane/registry/': ['platform/', 'controlplane/api/', 'controlplane/store/'],
  'controlplane/persistence-instances/': [
    'platform/',
    'controlplane/api/',
    'controlplane/registry/',
    'controlplane/store/',
    'controlplane/http/persistence-port.ts',
    'persistence/log.ts',
    'persistence/errors.ts',
    'persistence/backup/dump-frames.ts',
  ],
  'controlplane/identity/': ['platform/', 'controlplane/api/'],
  'controlplane/admission/': WITH_REGISTRY,
  'controlplane/rbac/': WITH_REGISTRY,
  'controlplane/tokens/': WITH_REGISTRY,
  'controlplane/console/': [...WITH_REGISTRY, 'controlplane/http/console-port.ts'],
  // What runs in a browser knows nothing of the server but its API.
  'controlplane/console/assets/': [
    'platform/drain-verdict.ts',
    'platform/terminal-text.ts',
    'platform/unified-diff.ts',
  ],
  'controlplane/certificates/': WITH_REGISTRY,
  'controlplane/http/': [
    ...WITH_REGISTRY,
    'controlplane/rbac/',
    'controlplane/secrets/',
    'controlplane/tokens/',
    'persistence/secrets/secrets-key.ts',
  ],
  'controlplane/secrets/': [
    'platform/',
    'controlplane/store/',
    'persistence/provider.ts',
    'persistence/secrets/',
  ],
  'controlplane/start/': ['platform/', 'controlplane/', 'persistence/'],
  'controlplane/start.ts': ['platform/', 'controlplane/', 'persistence/'],
  'controlplane/node-kubeconfig.ts': ['platform/', 'controlplane/identity/'],
  'controlplane/cluster-authority.ts': ['platform/', 'controlplane/identity/'],
  'controlplane/serving-certificate.ts': ['platform/', 'controlplane/identity/'],
  'controllers/machinery/': ['platform/'],
  'controllers/artifact/': [
    'platform/',
    'controllers/machinery/',
    'controllers/hosts/',
    'controllers/binaries/',
    'controllers/registry/',
  ],
  'controllers/runtimes/': ['platform/'],
  'controllers/hosts/': ['platform/'],
  'controllers/machine-operation/': [
    'platform/',
    'controllers/machinery/',
    'controllers/hosts/',
    'controllers/infra-provider/provided-host.ts',
  ],
  'controllers/agent/': [
    'platform/',
    'controllers/machinery/',
    'controllers/runtimes/',
    'controllers/registry/',
  ],
  'controllers/infrastructure/*': ['platform/'],
  'controllers/infrastructure/open-provider.ts': ['platform/', 'controllers/infrastructure/'],
  'controllers/infrastructure/docker/': [
    'platform/',
    'controllers/infrastructure/*',
    // One way to reach an Engine and to bring an image to it.
    'controllers/runtimes/docker-connection.ts',
    'controllers/runtimes/docker-image.ts',
  ],
  'controllers/infrastructure/local/': ['platform/', 'controllers/infrastructure/*'],
  'controllers/infrastructure/hetzner/': ['platform/', 'controllers/infrastructure/*'],
  'controllers/infrastructure/omni/': ['platform/', 'controllers/infrastructure/*'],
  'controllers/infrastructure/sim/': ['platform/', 'controllers/infrastructure/*'],
  'controllers/infra-provider/': [
    'platform/',
    'controllers/machinery/',
    'controllers/infrastructure/',
    'controllers/hosts/host-connection.ts',
  ],
  'controllers/rootfs/': [
    'platform/',
    'controllers/machinery/',
    'controllers/hosts/',
    'controllers/binaries/',
    'controllers/registry/',
  ],
  'controllers/machine/': [
    'platform/',
    'controllers/machinery/',
    'controllers/hosts/',
    'controllers/binaries/',
    'controllers/rootfs/',
    'controllers/registry/',
    'controllers/infrastructure/',
    'controllers/infra-provider/provided-host.ts',
  ],
  'controllers/binaries/': ['platform/', 'controllers/machinery/deadline.ts', 'controllers/hosts/'],
  'controllers/cluster/': [
    'platform/',
    'controllers/machinery/',
    'controllers/hosts/',
    'controllers/binaries/',
    'controllers/infrastructure/',
    'controllers/infra-provider/open-infra-provider.ts',
    'controllers/infra-provider/provided-host.ts',
    'controllers/infra-provider/types.ts',
    // A member without a root of ours has files and programs as a Machine has them.
    'controllers/machine/artifact-places.ts',
    'controllers/machine/machine-files.ts',
    'controllers/machine/open-machine-host.ts',
    'controllers/machine/rollout-permit.ts',
    'controllers/machine/stage-artifacts.ts',
    'controllers/machine/types.ts',
  ],
  'controllers/start.ts': ['platform/', 'controllers/'],
  // Any other folder of controllers/ is that of a kind.
  'controllers/': ['platform/', 'controllers/machinery/'],
  'cli/': [
    'platform/',
    'controlplane/start.ts',
    'controlplane/node-kubeconfig.ts',
    'controlplane/cluster-authority.ts',
    'controlplane/serving-certificate.ts',
    // Commands that work on the state while no server runs.
    'persistence/backup/',
    'persistence/machine-id.ts',
    'persistence/open.ts',
    'persistence/provider.ts',
    'controllers/start.ts',
    'controllers/agent/start.ts',
    'controllers/agent/image-collection.ts',
    'controllers/machinery/',
    'controllers/machine-operation/types.ts',
    'controllers/runtimes/docker-local-image.ts',
    // Of the cluster and service controllers only what computes: previews plan as they do.
    'controllers/cluster/hash-plan.ts',
    'controllers/cluster/plan-input.ts',
    'controllers/cluster/plan-types.ts',
    'controllers/cluster/plan.ts',
    'controllers/cluster/settings.ts',
    'controllers/cluster/types.ts',
    'controllers/machine/types.ts',
    'controllers/machine/machine-goal.ts',
    // Commands that work on a store of artifacts while no server runs.
    'controllers/artifact/',
    'controllers/binaries/',
    // Of the service controller only what computes: previews plan as it does.
    'controllers/service/claims.ts',
    'controllers/service/described-revision.ts',
    'controllers/service/image-digests.ts',
    'controllers/service/plan-input.ts',
    'controllers/service/plan-rollout.ts',
    'controllers/service/planned-claim.ts',
    'controllers/service/revision.ts',
    'controllers/service/settings.ts',
    'controllers/service/types.ts',
    'controllers/service/instance.ts',
  ],
};

/** Folders that no source imports, and that may import everything. */
const OUTSIDE = ['test/', 'bench/', 'scripts/'];

/** Only below these folders, or in these files. Tests may use what they need. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  winston: ['platform/logging.ts'],
  'prom-client': ['platform/metrics.ts'],
  'better-sqlite3': ['persistence/sqlite/'],
  '@aws-sdk/client-s3': ['persistence/s3/'],
  express: ['controlplane/http/'],
  '@peculiar/x509': ['controlplane/identity/'],
  jose: ['controlplane/tokens/'],
  protobufjs: ['controlplane/api/schema/'],
  '@marcbachmann/cel-js': ['controlplane/api/cel/'],
  re2js: ['controlplane/api/'],
  yaml: ['platform/', 'controlplane/api/', 'controllers/machinery/plain-kubeconfig.ts', 'cli/'],
  preact: ['controlplane/console/assets/'],
  ws: ['controlplane/http/', 'controllers/agent/'],
  undici: [
    'controllers/machinery/',
    'controllers/agent/',
    'controllers/registry/',
    'controllers/binaries/',
  ],
  // The words of a Pod; types only.
  '@kubernetes/client-node': ['controllers/', 'cli/compose/'],
  'dns-packet': ['controllers/agent/names/'],
  ssh2: ['controllers/hosts/ssh/', 'controllers/hosts/open-host.ts'],
  openpgp: ['controllers/infrastructure/omni/'],
  dockerode: ['controllers/runtimes/', 'controllers/infrastructure/docker/'],
  'tar-stream': [
    'controllers/binaries/',
    'controllers/runtimes/',
    'controllers/rootfs/',
    'controllers/machine-operation/',
  ],
  'node:child_process': [
    'controllers/runtimes/',
    'controllers/hosts/local-dir/',
    'controllers/infrastructure/local/',
    'controllers/registry/credential-helper.ts',
    'persistence/secrets/exec-plugin.ts',
    'cli/',
  ],
};

/** Modules that reach outside of the process: not for what only computes. */
const IO_MODULE = /^node:(fs|net|tls|http|https|http2|dgram|child_process|worker_threads|cluster)/;

/** One line per violation: `file:line: what is wrong`. Empty when all rules hold. */
export function violationsOf(files: readonly SourceFile[]): readonly string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [
    ...files.flatMap((file) => [
      ...folderViolations(file, imports.get(file.path) ?? []),
      ...packageViolations(file, imports.get(file.path) ?? []),
      ...pureViolations(file, imports.get(file.path) ?? []),
      ...globalViolations(file),
      ...formViolations(file),
    ]),
    ...cycles(imports).map((cycle) => `${cycle[0]}:1: import cycle: ${cycle.join(' → ')}`),
  ];
}

function isTest(path: string): boolean {
  return (
    /\.test\.ts$|-fixture\.ts$/.test(path) || OUTSIDE.some((folder) => path.startsWith(folder))
  );
}

/** `a/` holds everything below, `a/*` the files directly in it, anything else is a file. */
function covers(pattern: string, path: string): boolean {
  if (pattern.endsWith('/')) return path.startsWith(pattern);
  if (!pattern.endsWith('/*')) return pattern === path;
  const folder = pattern.slice(0, -1);
  return path.startsWith(folder) && !path.slice(folder.length).includes('/');
}

/** The row of MAY_IMPORT for a file, and the folder that it may always import from. */
function rowOf(path: string): { readonly key: string; readonly own: string } | undefined {
  const key = Object.keys(MAY_IMPORT)
    .filter((pattern) => covers(pattern, path))
    .toSorted((left, right) => right.length - left.length)[0];
  if (key === undefined) return undefined;
  if (key === 'controllers/') return { key, own: `${path.split('/').slice(0, 2).join('/')}/` };
  return { key, own: key };
}

function folderViolations(file: SourceFile, imports: readonly Import[]): readonly string[] {
  const ours = imports.filter((entry) => entry.isOurs);
  if (isTest(file.path)) return [];
  const row = rowOf(file.path);
  if (row === undefined) return [`${file.path}:1: no row of the table says what it may import`];
  const allowed = [row.own, ...(MAY_IMPORT[row.key] ?? [])];
  return [
    ...ours
      .filter(({ target }) => !allowed.some((pattern) => covers(pattern, target)))
      .map(({ target, line }) => `${file.path}:${line}: may not import ${target}`),
    ...siblingViolations(file, ours),
  ];
}

/** Implementations of one interface never see each other: runtimes are told apart by the first word of the file's name. */
function siblingViolations(file: SourceFile, imports: readonly Import[]): readonly string[] {
  const family = (path: string): string | undefined =>
    /^controllers\/runtimes\/(process|docker|nspawn)/.exec(path)?.[1];
  const own = family(file.path);
  return imports
    .filter(({ target }) => own !== undefined && (family(target) ?? own) !== own)
    .map(({ target, line }) => `${file.path}:${line}: may not import its sibling ${target}`);
}

function packageViolations(file: SourceFile, imports: readonly Import[]): readonly string[] {
  if (isTest(file.path)) return [];
  return imports
    .filter((entry) => !entry.isOurs)
    .flatMap(({ target, line }) => {
      const homes = PACKAGE_HOMES[target];
      if (homes === undefined)
        return target.startsWith('node:')
          ? []
          : [`${file.path}:${line}: package ${target} has no home in the table`];
      return homes.some((home) => covers(home, file.path))
        ? []
        : [`${file.path}:${line}: package ${target} belongs to ${homes.join(' and ')}`];
    });
}

/** Machinery that does something; the rest of it is pure. */
const ACTIVE_MACHINERY =
  /^controllers\/machinery\/(client|informer|work-queue|manager|controller|events|kubeconfig|watch-stream)\.ts$/;

/** `controlplane/api` and every plan only compute: same input, same output. */
function pureViolations(file: SourceFile, imports: readonly Import[]): readonly string[] {
  if (isTest(file.path)) return [];
  const isPlan = /^controllers\/[^/]+\/(.*\/)?plan(-[^/]*)?\.ts$|^controllers\/[^/]+\/plan\//.test(
    file.path,
  );
  const isApi = file.path.startsWith('controlplane/api/');
  return imports
    .filter(({ target, isTypeOnly }) => {
      if (isTypeOnly) return false;
      // The generated corpus is read from its file once.
      if (isApi) return IO_MODULE.test(target) && file.path !== 'controlplane/api/schema/corpus.ts';
      return (
        isPlan &&
        (target.startsWith('node:') ||
          target.startsWith('platform/') ||
          ACTIVE_MACHINERY.test(target))
      );
    })
    .map(({ target, line }) => `${file.path}:${line}: only computes, and may not import ${target}`);
}

function globalViolations(file: SourceFile): readonly string[] {
  if (isTest(file.path)) return [];
  const lines = withoutComments(file.text).split('\n');
  return GLOBALS.filter(({ homes }) => !homes.some((home) => covers(home, file.path))).flatMap(
    ({ pattern, instead }) =>
      lines.flatMap((line, index) => {
        const found = pattern.exec(line)?.[0];
        return found === undefined ? [] : [`${file.path}:${index + 1}: ${found}: ${instead}`];
      }),
  );
}
