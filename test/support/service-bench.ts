// What tests of rollouts share: a control plane, simulated nodes, and one Service by the name of `web`.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ApiObject, Client } from '#controllers/machinery/client-types.ts';
import { CONTROLLER_REVISIONS, SERVICES } from '#controllers/machinery/resources.ts';
import { TestControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import type { Fate } from './simulated-nodes.ts';

export interface TestService extends ApiObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly observedGeneration?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
      readonly observedGeneration?: number;
    }[];
  };
}

export interface BenchOptions {
  readonly nodes?: readonly string[];
  readonly fates?: Readonly<Record<string, Fate>>;
}

/** A server as far as the tests of rollouts need it. */
export interface Plane {
  readonly client: Client;
  readonly signal: AbortSignal;
}

export class ServiceBench<P extends Plane = TestControlPlane> {
  readonly plane: P;
  readonly nodes: SimulatedNodes;
  readonly namespace: string;

  constructor(plane: P, nodes: SimulatedNodes, namespace = 'default') {
    this.plane = plane;
    this.nodes = nodes;
    this.namespace = namespace;
  }

  static async start(t: TestContext, options: BenchOptions = {}): Promise<ServiceBench> {
    const plane = await TestControlPlane.start(t);
    const nodes = new SimulatedNodes(plane.client, plane.signal, options.fates);
    for (const name of options.nodes ?? ['n1', 'n2']) await nodes.add(name);
    return new ServiceBench(plane, nodes);
  }

  async create(image: string, spec: object = {}): Promise<void> {
    const { client, signal } = this.plane;
    const body = {
      metadata: { name: 'web' },
      spec: { replicas: 3, updateStrategy: QUICK, template: templateOf(image), ...spec },
    };
    await client.create(SERVICES, this.namespace, body, signal);
  }

  async change(spec: object): Promise<void> {
    const { client, signal } = this.plane;
    await client.patch(SERVICES, this.namespace, 'web', '', 'merge', { spec }, signal);
  }

  update(image: string): Promise<void> {
    return this.change({ template: templateOf(image) });
  }

  service(): Promise<TestService> {
    const { client, signal } = this.plane;
    return client.get<TestService>(SERVICES, this.namespace, 'web', signal);
  }

  revisions(): Promise<readonly ApiObject[]> {
    const { client, signal } = this.plane;
    return client
      .list(CONTROLLER_REVISIONS, { namespace: this.namespace }, signal)
      .then((list) => list.items);
  }

  /** Images of the Pods that are not being deleted. */
  get images(): readonly string[] {
    return this.nodes.alive.map(({ spec }) => spec.containers[0]?.image ?? '');
  }

  /** Waits until `count` Pods of `image` serve, nothing else is there, and the Service says so. */
  async settled(image: string, count: number): Promise<void> {
    await eventually(`${count} of ${image}`, async () => {
      assert.deepEqual(
        this.nodes.pods.map(({ spec }) => spec.containers[0]?.image),
        Array.from({ length: count }, () => image),
      );
      assert.equal(this.nodes.serving.length, count);
      await this.condition('Ready', 'True');
    });
  }

  /** Asserts a condition of the present generation. @returns its reason and message */
  async condition(
    type: string,
    status: string,
  ): Promise<{ readonly reason: string; readonly message: string }> {
    const service = await this.service();
    const found = service.status?.conditions?.find((condition) => condition.type === type);
    assert.equal(found?.observedGeneration, service.metadata.generation, `${type} is of old`);
    assert.equal(found?.status, status, `${type}: ${found?.reason} ${found?.message}`);
    return found;
  }

  conditionSoon(
    type: string,
    status: string,
  ): Promise<{ readonly reason: string; readonly message: string }> {
    return eventually(`${type}=${status}`, () => this.condition(type, status));
  }
}

/** No waiting but for what really happens. */
export const QUICK = { monitorPeriod: '0s', progressDeadline: '60s' };

export function templateOf(image: string, spec: object = {}, container: object = {}): object {
  return { spec: { containers: [{ name: 'c', image, ...container }], ...spec } };
}
