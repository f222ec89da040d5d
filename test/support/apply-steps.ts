// Random writes for comparing what two API servers make of them: configurations of several managers that overlap, patches and
// updates in between. What is made is valid, or wrong in the same way for every server.
import type { Random } from './seed.ts';

type Doc = Record<string, unknown>;

export type Verb = 'apply' | 'force' | 'merge' | 'put' | 'reset' | 'status' | 'scale';

export interface Step {
  readonly verb: Verb;
  readonly manager: string;
  /** All but the metadata that says which object it is. */
  readonly config: Doc;
}

/** A kind, and how a random object of it looks. */
export interface ApplyKind {
  readonly apiVersion: string;
  readonly kind: string;
  /** `/api/v1/namespaces/%/configmaps` */
  readonly collection: string;
  readonly verbs: readonly Verb[];
  readonly make: (random: Random) => Doc;
  readonly status?: (random: Random) => Doc;
  /** Fields that are compared; the others are the server's business. */
  readonly compared: readonly string[];
}

export const GROUP = 'apply.windlass.test';

const chance = (random: Random, odds = 0.5): boolean => random.next(1_000) < odds * 1_000;
const pick = <T>(random: Random, items: readonly T[]): T => items[random.next(items.length)] as T;

/** Some of the fields, each made only when it is in. */
function some(random: Random, fields: Readonly<Record<string, () => unknown>>, odds = 0.5): Doc {
  const doc: Doc = {};
  for (const name of Object.keys(fields)) if (chance(random, odds)) doc[name] = fields[name]?.();
  return doc;
}

function subset<T>(random: Random, items: readonly T[]): T[] {
  const chosen = items.filter(() => chance(random));
  return chance(random) ? chosen : chosen.toReversed();
}

const texts = (random: Random): Doc =>
  some(random, {
    a: () => pick(random, ['1', '2']),
    b: () => pick(random, ['1', '2']),
    c: () => '3',
  });

function metadata(random: Random): Doc {
  return some(
    random,
    {
      labels: () => texts(random),
      annotations: () => texts(random),
      finalizers: () => subset(random, ['example.com/x', 'example.com/y']),
    },
    0.3,
  );
}

const configMaps: ApplyKind = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  collection: '/api/v1/namespaces/%/configmaps',
  verbs: ['apply', 'apply', 'apply', 'force', 'merge', 'put', 'reset'],
  make: (random) => ({
    metadata: metadata(random),
    ...some(random, { data: () => texts(random), binaryData: () => ({ z: 'AA==' }) }, 0.7),
  }),
  compared: ['data', 'binaryData'],
};

const PORTS = [
  { name: 'web', port: 80 },
  { name: 'dns', port: 80, protocol: 'UDP' },
  { name: 'api', port: 81, protocol: 'TCP', targetPort: 'x' },
];

const services: ApplyKind = {
  apiVersion: 'v1',
  kind: 'Service',
  collection: '/api/v1/namespaces/%/services',
  verbs: ['apply', 'apply', 'apply', 'force', 'merge'],
  make: (random) => ({
    metadata: metadata(random),
    spec: {
      ports: subset(random, PORTS),
      ...some(random, {
        selector: () => texts(random),
        sessionAffinity: () => 'None',
      }),
    },
  }),
  compared: ['spec.ports', 'spec.selector'],
};

const pods: ApplyKind = {
  apiVersion: 'v1',
  kind: 'Pod',
  collection: '/api/v1/namespaces/%/pods',
  verbs: ['apply', 'apply', 'force', 'merge', 'status'],
  make: (random) => ({
    metadata: metadata(random),
    spec: {
      automountServiceAccountToken: false,
      containers: ['one', 'two'].map((name) => ({
        name,
        image: pick(random, ['a:1', 'a:2']),
        resources: { limits: { cpu: pick(random, ['1000m', '1']) } },
        env: [{ name: 'A', value: 'b' }, { name: 'C' }],
        ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
      })),
      volumes: [{ name: 'v', emptyDir: {} }],
    },
  }),
  status: (random) => ({
    status: {
      phase: pick(random, ['Pending', 'Running']),
      conditions: subset(random, ['Ready', 'Initialized']).map((type) => ({
        type,
        status: pick(random, ['True', 'False']),
      })),
    },
  }),
  compared: ['spec.containers', 'spec.volumes'],
};

const things: ApplyKind = {
  apiVersion: `${GROUP}/v1`,
  kind: 'Thing',
  collection: `/apis/${GROUP}/v1/namespaces/%/things`,
  verbs: ['apply', 'apply', 'apply', 'force', 'merge', 'put', 'reset', 'status', 'scale'],
  make: (random) => ({
    metadata: metadata(random),
    ...some(random, { spec: () => thingSpec(random) }, 0.9),
  }),
  status: (random) => ({
    status: some(random, {
      replicas: () => pick(random, [1, 2]),
      conditions: () =>
        subset(random, ['A', 'B']).map((type) => ({ type, status: pick(random, ['x', 'y']) })),
    }),
  }),
  compared: ['spec', 'status'],
};

function thingSpec(random: Random): Doc {
  return some(random, {
    replicas: () => pick(random, [1, 2, 3]),
    ports: () =>
      subset(random, [
        { port: 1 },
        { port: 1, protocol: 'UDP' },
        { port: 2, name: pick(random, ['n', 'm']) },
      ]),
    tags: () => subset(random, ['a', 'b', '<c>']),
    numbers: () => subset(random, [1, 2, 10]),
    list: () => subset(random, ['a', 'b']),
    atom: () => texts(random),
    map: () => some(random, { k: () => texts(random), l: () => ({}), m: () => texts(random) }),
    any: () =>
      some(random, {
        p: () => pick<unknown>(random, [1, [1, { q: 2 }], texts(random), {}]),
        s: () => ({ t: texts(random) }),
      }),
    either: () => pick<unknown>(random, [5, '5%']),
    maybe: () => pick<unknown>(random, ['x', null]),
    nested: () => ({ x: texts(random) }),
  });
}

const deployments: ApplyKind = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  collection: '/apis/apps/v1/namespaces/%/deployments',
  verbs: ['apply', 'apply', 'force', 'merge', 'put', 'status', 'scale'],
  make: (random) => ({
    metadata: metadata(random),
    spec: {
      selector: { matchLabels: { app: 'x' } },
      template: {
        metadata: { labels: { app: 'x', ...texts(random) } },
        spec: {
          containers: subset(random, ['one', 'two']).map((name) => ({
            name,
            image: pick(random, ['a:1', 'a:2']),
            ...some(random, {
              env: () =>
                subset(random, ['A', 'B']).map((key) => ({
                  name: key,
                  value: pick(random, ['1', '2']),
                })),
              resources: () => ({ limits: { cpu: pick(random, ['1000m', '1']) } }),
              command: () => subset(random, ['a', 'b']),
            }),
          })),
        },
      },
      ...some(random, {
        replicas: () => pick(random, [1, 2]),
        paused: () => chance(random),
        strategy: () => ({
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: pick<unknown>(random, [1, '10%']) },
        }),
      }),
    },
  }),
  status: (random) => ({ status: { observedGeneration: 1, replicas: pick(random, [1, 2]) } }),
  compared: ['spec.replicas', 'spec.template.spec.containers', 'spec.strategy'],
};

export const applyKinds: readonly ApplyKind[] = [configMaps, services, pods, deployments, things];

/** So many writes to one object. */
export function stepsOf(kind: ApplyKind, random: Random, length: number): Step[] {
  return Array.from({ length }, (_, at) => {
    const verb = at === 0 ? 'apply' : pick(random, kind.verbs);
    const manager = pick(random, ['one', 'two', 'three', 'kubectl']);
    if (verb === 'status') return { verb, manager, config: kind.status?.(random) ?? {} };
    if (verb === 'scale') {
      // Never what it is already: upstream splits the owner's entry then.
      return { verb, manager, config: { spec: { replicas: 10 + at } } };
    }
    return { verb, manager, config: kind.make(random) };
  });
}

const text = { type: 'string' };
const textMap = { type: 'object', additionalProperties: text };
const listType = 'x-kubernetes-list-type';
const mapKeys = 'x-kubernetes-list-map-keys';

/** The kind Thing, with every way in which lists and maps are merged. */
export const thingDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer', default: 1 },
                  ports: {
                    type: 'array',
                    [listType]: 'map',
                    [mapKeys]: ['port', 'protocol'],
                    items: {
                      type: 'object',
                      required: ['port'],
                      properties: {
                        port: { type: 'integer' },
                        protocol: { type: 'string', default: 'TCP' },
                        name: text,
                      },
                    },
                  },
                  tags: { type: 'array', [listType]: 'set', items: text },
                  numbers: { type: 'array', [listType]: 'set', items: { type: 'integer' } },
                  list: { type: 'array', items: text },
                  atom: { ...textMap, 'x-kubernetes-map-type': 'atomic' },
                  map: { type: 'object', additionalProperties: textMap },
                  any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  either: { 'x-kubernetes-int-or-string': true },
                  maybe: { ...text, nullable: true },
                  nested: {
                    type: 'object',
                    properties: {
                      x: { type: 'object', properties: { a: text, b: text, c: text } },
                    },
                  },
                },
              },
              status: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer' },
                  conditions: {
                    type: 'array',
                    [listType]: 'map',
                    [mapKeys]: ['type'],
                    items: {
                      type: 'object',
                      required: ['type'],
                      properties: { type: text, status: text },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
