// An API server that is not ours: Kubernetes' kube-apiserver on etcd, with nothing else of Kubernetes around it. No package has the
// binary, so its place must be told: WINDLASS_TEST_KUBE_APISERVER, or KUBEBUILDER_ASSETS as envtest has it, or the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import { tempDir } from './temp-dir.ts';

/** What a user did, as the server's audit log has it. */
export interface Deed {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

/** Why there is no such server here, if so. */
export function missingForeignServer(): string | undefined {
  if (find('kube-apiserver', 'WINDLASS_TEST_KUBE_APISERVER') === undefined)
    return 'no kube-apiserver, which no package has (set WINDLASS_TEST_KUBE_APISERVER to one): not asked for in CI either';
  return find('etcd') === undefined ? 'no etcd (Debian package etcd-server)' : undefined;
}

export class ForeignServer {
  readonly folder: string;
  readonly url: string;
  /** As an administrator. */
  readonly kubeconfig: string;
  readonly client: HttpClient;
  readonly signal: AbortSignal;

  private constructor(
    folder: string,
    url: string,
    kubeconfig: string,
    client: HttpClient,
    signal: AbortSignal,
  ) {
    this.folder = folder;
    this.url = url;
    this.kubeconfig = kubeconfig;
    this.client = client;
    this.signal = signal;
  }

  /** Ended after the test. */
  static async start(t: Pick<TestContext, 'after'>): Promise<ForeignServer> {
    const folder = tempDir();
    const abort = new AbortController();
    const parts: Part[] = [];
    let client: HttpClient | undefined;
    t.after(async () => {
      abort.abort(new Error('the test is over'));
      await client?.[Symbol.asyncDispose]();
      for (const part of parts.toReversed()) await part.stop();
    });
    const [port, storePort, peerPort] = [await freePort(), await freePort(), await freePort()];
    const store = `http://127.0.0.1:${storePort}`;
    parts.push(new Part('etcd', etcdFlags(folder, store, peerPort)));
    const token = randomBytes(16).toString('hex');
    parts.push(new Part('kube-apiserver', serverFlags(folder, store, port, token)));
    const url = `https://127.0.0.1:${port}`;
    const certificate = join(folder, 'certificates', 'apiserver.crt');
    const assertRunning = (): void => parts.forEach((part) => part.assertRunning());
    await eventually(
      'it has its certificate',
      () => {
        assertRunning();
        return readFileSync(certificate);
      },
      60_000,
    );
    const kubeconfig = writeKubeconfig(folder, 'admin', url, token);
    client = await clientFor(kubeconfig);
    const server = new ForeignServer(folder, url, kubeconfig, client, abort.signal);
    await eventually(
      'the foreign server is ready',
      async () => {
        assertRunning();
        await server.client.getText('/readyz', abort.signal);
        await server.client.getPath('/api/v1/namespaces/kube-system', abort.signal);
      },
      120_000,
    );
    return server;
  }

  /** Path of a kubeconfig with a bearer token. */
  kubeconfigWith(name: string, token: string): string {
    return writeKubeconfig(this.folder, name, this.url, token);
  }

  /** All that somebody asked of the server and that is over by now. */
  deedsOf(username: string): readonly Deed[] {
    return readFileSync(join(this.folder, 'audit.log'), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Deed)
      .filter(({ user }) => user.username === username);
  }
}

/** A process that belongs to the server. */
class Part {
  readonly #name: string;
  readonly #exited: Promise<void>;
  readonly #kill: (signal: NodeJS.Signals) => void;
  #output = '';
  #isRunning = true;

  constructor(name: string, flags: readonly string[]) {
    this.#name = name;
    const binary = find(name, `WINDLASS_TEST_${name.toUpperCase().replaceAll('-', '_')}`) ?? name;
    const child = spawn(binary, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#kill = (signal) => child.kill(signal);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#output = `${this.#output}${text}`.slice(-4_000);
    });
    this.#exited = new Promise((done) => {
      const onEnd = (): void => {
        this.#isRunning = false;
        done();
      };
      child.on('exit', onEnd);
      child.on('error', onEnd);
    });
  }

  assertRunning(): void {
    if (!this.#isRunning) throw new Error(`${this.#name} ended:\n${this.#output}`);
  }

  /** Nothing of it is kept, so nothing needs to be put in order. */
  async stop(): Promise<void> {
    this.#kill('SIGKILL');
    await this.#exited;
  }
}

function etcdFlags(folder: string, url: string, peerPort: number): readonly string[] {
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=error',
    // Its state dies with the test.
    ...(knowsFlag('etcd', 'unsafe-no-fsync') ? ['--unsafe-no-fsync'] : []),
  ];
}

function serverFlags(
  folder: string,
  store: string,
  port: number,
  token: string,
): readonly string[] {
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = file('accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' }));
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    rules: [
      {
        level: 'Metadata',
        omitStages: ['RequestReceived', 'ResponseStarted'],
        userGroups: ['system:serviceaccounts'],
      },
    ],
  };
  return [
    `--etcd-servers=${store}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, 'certificates')}`,
    '--service-cluster-ip-range=10.96.0.0/12',
    '--endpoint-reconciler-type=none',
    '--authorization-mode=RBAC',
    '--allow-privileged=true',
    // Stricter than the default, as some distributions are.
    '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
    `--token-auth-file=${file('tokens.csv', `${token},admin,admin,system:masters\n`)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    `--audit-policy-file=${file('audit-policy.json', JSON.stringify(policy))}`,
    `--audit-log-path=${join(folder, 'audit.log')}`,
    '--audit-log-mode=blocking',
  ];
}

function writeKubeconfig(folder: string, name: string, server: string, token: string): string {
  const authority = join(folder, 'certificates', 'apiserver.crt');
  const path = join(folder, `${name}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'foreign',
    clusters: [{ name: 'foreign', cluster: { server, 'certificate-authority': authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name: 'foreign', context: { cluster: 'foreign', user: name } }],
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

async function clientFor(kubeconfig: string): Promise<HttpClient> {
  return new HttpClient({
    connection: await loadConnection(kubeconfig),
    clock: systemClock,
    metrics: new MetricsRegistry(),
    userAgent: 'windlass-test',
    random: Math.random,
  });
}

function find(name: string, variable?: string): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
  const named = variable === undefined ? '' : (process.env[variable] ?? '');
  const folders = [assets, ...(process.env['PATH'] ?? '').split(delimiter)].filter(Boolean);
  const candidates = [named, ...folders.map((folder) => join(folder, name))].filter(Boolean);
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function knowsFlag(name: string, flag: string): boolean {
  const { stdout, stderr } = spawnSync(find(name) ?? name, ['--help'], { encoding: 'utf8' });
  return `${stdout}${stderr}`.includes(flag);
}
