// A foreign server as a Windlass user has it: our kinds and permissions installed by kubectl, two controllers processes with the
// ServiceAccount's token, and doubles for what Kubernetes would bring: kubelets, and a scheduler (ours, as an administrator).
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import { LEASES, NAMESPACES, NODES, SERVICE_ACCOUNTS } from '#controllers/machinery/resources.ts';
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { ForeignServer } from './foreign-server.ts';
import type { Deed } from './foreign-server.ts';
import { Kubectl } from './kubectl.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import type { Fate } from './simulated-nodes.ts';
import { ServiceBench } from './service-bench.ts';
import { launcher, projectRoot } from './windlass.ts';

const ACCOUNT = { name: 'windlass-controllers', namespace: 'windlass-system' };

export class ForeignCluster {
  readonly server: ForeignServer;
  readonly kubectl: Kubectl;
  readonly processes: ControllersProcess[] = [];
  readonly #t: TestContext;
  #kubeconfig = '';

  private constructor(t: TestContext, server: ForeignServer) {
    this.#t = t;
    this.server = server;
    this.kubectl = new Kubectl(server.kubeconfig, server.folder);
  }

  /** Installed, with the nodes n1 and n2; controllers are yet to be started. */
  static async start(t: TestContext): Promise<ForeignCluster> {
    const server = await ForeignServer.start(t);
    const cluster = new ForeignCluster(t, server);
    await cluster.#install();
    for (const name of ['n1', 'n2']) await cluster.addNode(name);
    await startControllers(
      {
        kubeconfig: server.kubeconfig,
        clock: systemClock,
        logger: silentLogger,
        metrics: new MetricsRegistry(),
        clusterDomain: 'internal',
        controllers: ['scheduler'],
      },
      server.signal,
    );
    return cluster;
  }

  /** One more `windlass controllers`, as the ServiceAccount. */
  controllers(): ControllersProcess {
    const started = new ControllersProcess(this.#kubeconfig);
    this.processes.push(started);
    this.#t.after(() => started.crash());
    return started;
  }

  /** A namespace of its own, and kubelets that play its Pods. */
  async bench(
    namespace: string,
    fates: Readonly<Record<string, Fate>> = {},
  ): Promise<ServiceBench<ForeignServer>> {
    const { client, signal } = this.server;
    await client.create(NAMESPACES, '', { metadata: { name: namespace } }, signal);
    // Kubernetes' controllers would make it, and without it no Pod is let in.
    await client.create(SERVICE_ACCOUNTS, namespace, { metadata: { name: 'default' } }, signal);
    const nodes = new SimulatedNodes(client, signal, fates, namespace);
    return new ServiceBench(this.server, nodes, namespace);
  }

  /** What the controllers asked of the server. */
  deeds(): readonly Deed[] {
    return this.server.deedsOf(`system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`);
  }

  async leader(): Promise<string> {
    const { client, signal } = this.server;
    const lease = await client.get<
      ApiObject & { readonly spec?: { readonly holderIdentity?: string } }
    >(LEASES, 'kube-system', 'windlass-controllers', signal);
    return lease.spec?.holderIdentity ?? '';
  }

  async #install(): Promise<void> {
    await this.kubectl.ok(['apply', '-f', join(projectRoot, 'deploy', 'crds')]);
    await this.kubectl.ok(['apply', '-f', join(projectRoot, 'deploy', 'kubernetes')]);
    await this.kubectl.ok(['wait', '--for=condition=Established', 'crd/services.windlass.dev']);
    const { client, signal } = this.server;
    const { name, namespace } = ACCOUNT;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3_600 },
    };
    const answer = await client.connect(
      SERVICE_ACCOUNTS,
      namespace,
      name,
      'token',
      request,
      signal,
    );
    const { token } = (answer as { readonly status: { readonly token: string } }).status;
    this.#kubeconfig = this.server.kubeconfigWith('controllers', token);
  }

  async addNode(name: string): Promise<void> {
    const { client, signal } = this.server;
    await new SimulatedNodes(client, signal, {}, 'kube-node-lease').add(name);
    // Upstream makes each node tainted (not-ready); its controllers would take that away again.
    await client.patch(NODES, '', name, '', 'merge', { spec: { taints: null } }, signal);
  }
}

/** `windlass controllers`, as a user starts it. */
export class ControllersProcess {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #output = '';

  constructor(kubeconfig: string) {
    this.#child = spawn('node', [launcher, 'controllers', '--kubeconfig', kubeconfig], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.exited = new Promise((done) => this.#child.on('exit', done));
  }

  /** What it said so far. */
  get output(): string {
    return this.#output;
  }

  /** As a user stops it. @returns its exit code */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** Not the launcher, whose death the process behind it would notice and stop in order. */
  async crash(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const child of children.filter(Boolean)) process.kill(Number(child), 'SIGKILL');
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}
