// What an API server does about webhooks, case by case, as a client and the webhook see it. Played against our server and, where there
// is one, Kubernetes' own: both must do the same.
import { CONFIGMAPS, requestOf } from './admission-world.ts';
import type { AdmissionWorld, Doc } from './admission-world.ts';
import type { RawAnswer } from './raw-api.ts';
import { patchAnswer } from './webhook-server.ts';
import type { Answer, Review } from './webhook-server.ts';

interface AdmissionCase {
  readonly title: string;
  readonly play: (world: AdmissionWorld) => Promise<unknown>;
}

const add = (path: string, value: unknown): object => ({ op: 'add', path, value });

function dataOf({ body }: RawAnswer): unknown {
  return (body as Doc)['data'];
}

function owners({ body }: RawAnswer): unknown {
  const { managedFields } = (body as { metadata: Doc }).metadata;
  return ((managedFields ?? []) as Doc[]).map(({ manager, operation, fieldsV1 }) => ({
    manager,
    operation,
    fieldsV1,
  }));
}

/** One case in which a single validating webhook answers `answer`. */
function answered(
  kind: 'Mutating' | 'Validating',
  title: string,
  answer: Answer,
  more: Doc = {},
  query = '',
): AdmissionCase {
  return {
    title: `${kind}: ${title}`,
    async play(world) {
      const remove = await world.configure(kind, 'one', [
        { name: 'one.example.com', answer, ...more },
      ]);
      const made = await world.create('made', { data: { a: '1' } }, query);
      const result = {
        made: world.outcome(made),
        data: made.code === 201 ? dataOf(made) : undefined,
        warnings: made.warnings,
        asked: world.server.asked.length,
      };
      await remove();
      await world.call('DELETE', `${world.configMaps}/made`);
      return result;
    },
  };
}

const raw =
  (code: number, body: string, headers: Record<string, string> = {}): Answer =>
  () =>
  (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
const both = ['Mutating', 'Validating'] as const;
const denied =
  (status?: Doc): Answer =>
  () => ({ allowed: false, ...(status === undefined ? {} : { status }) });

export const admissionCases: readonly AdmissionCase[] = [
  ...both.flatMap((kind) => [
    answered(kind, 'denied with a message', denied({ message: 'no' })),
    answered(
      kind,
      'denied with message, code and reason',
      denied({
        message: 'no',
        code: 403,
        reason: 'Forbidden',
        details: { causes: [{ message: 'x' }] },
      }),
    ),
    answered(kind, 'denied with a reason', denied({ reason: 'Because' })),
    answered(kind, 'denied without a word', denied()),
    answered(
      kind,
      'denied with a success',
      denied({ status: 'Success', code: 200, message: 'fine' }),
    ),
    answered(kind, 'no one there', denied(), { clientConfig: { url: 'https://127.0.0.1:1/x' } }),
    answered(kind, 'no one there, ignored', denied(), {
      clientConfig: { url: 'https://127.0.0.1:1/x' },
      failurePolicy: 'Ignore',
    }),
    answered(kind, 'no such service', denied(), {
      clientConfig: { service: { namespace: 'nowhere', name: 'nobody', path: '/x' } },
    }),
    answered(kind, 'not found', raw(404, '{}')),
    answered(kind, 'broken', raw(500, 'secret')),
    answered(kind, 'unavailable', raw(503, 'secret')),
    answered(
      kind,
      'no response',
      raw(200, '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'),
    ),
    answered(kind, 'wrong uid', () => ({ uid: 'other', allowed: true })),
    answered(kind, 'warnings', () => ({ allowed: true, warnings: ['careful'] })),
    answered(kind, 'dry run', () => ({ allowed: true }), {}, '?dryRun=All'),
    answered(kind, 'hangs', () => () => undefined, { timeoutSeconds: 1 }),
    answered(kind, 'a condition that excludes', denied(), {
      matchConditions: [{ name: 'a', expression: "object.metadata.name != 'made'" }],
    }),
    answered(kind, 'a condition that fails', denied(), {
      matchConditions: [
        { name: 'a', expression: "has(object.metadata.labels) || object.metadata.nowhere == 'x'" },
      ],
    }),
    answered(kind, 'a condition that fails, ignored', denied(), {
      failurePolicy: 'Ignore',
      matchConditions: [
        { name: 'a', expression: "has(object.metadata.labels) || object.metadata.nowhere == 'x'" },
      ],
    }),
    answered(kind, 'another object', denied(), { objectSelector: { matchLabels: { a: 'b' } } }),
    answered(kind, 'another scope', denied(), { rules: [{ ...CONFIGMAPS, scope: 'Cluster' }] }),
    answered(kind, 'everything', denied({ message: 'all' }), {
      rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
    }),
  ]),
  answered('Validating', 'a patch', () => patchAnswer(add('/data/b', '2'))),
  answered('Mutating', 'a patch', () => patchAnswer(add('/data/b', '2'))),
  answered('Mutating', 'a patch without type', () => ({
    allowed: true,
    patch: Buffer.from('[]').toString('base64'),
  })),
  answered('Mutating', 'a type without patch', () => ({ allowed: true, patchType: 'JSONPatch' })),
  answered('Mutating', 'a patch of another type', () => ({
    ...patchAnswer(add('/data/b', '2')),
    patchType: 'Merge',
  })),
  answered('Mutating', 'another name', () => patchAnswer(add('/metadata/name', 'other'))),
  answered('Mutating', 'another namespace', () => patchAnswer(add('/metadata/namespace', 'other'))),
  {
    title: 'what webhooks see of a life',
    async play(world) {
      const { server } = world;
      const rules = [{ ...CONFIGMAPS, resources: ['configmaps', 'configmaps/*'] }];
      const remove = [
        await world.configure('Mutating', 'seen-m', [{ name: 'seen.m.example.com', rules }]),
        await world.configure('Validating', 'seen-v', [{ name: 'seen.v.example.com', rules }]),
      ];
      server.asked.length = 0;
      const path = `${world.configMaps}/life`;
      await world.create('life', { data: { a: '1' } }, '?fieldManager=me&fieldValidation=Strict');
      await world.call('PATCH', path, { data: { a: '2' } }, 'application/merge-patch+json');
      await world.call(
        'PATCH',
        `${path}?fieldManager=ap`,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'life' }, data: { b: '2' } },
        'application/apply-patch+yaml',
      );
      const { body } = await world.call('GET', path);
      await world.call('PUT', path, { ...(body as Doc), data: { a: '3' } });
      await world.call('DELETE', `${path}?propagationPolicy=Background`);
      await world.create('', { metadata: { generateName: 'gen-' } });
      const told = ({ path: at, query, review }: (typeof server.asked)[number]): Doc => ({
        at,
        query,
        ...(requestOf(review) as Doc),
      });
      const life = server.asked.map(told);
      server.asked.length = 0;
      await world.call('DELETE', `${world.configMaps}?labelSelector=!marker`);
      // Those of a collection go in any order.
      const keyOf = ({ at, oldObject }: Doc): string => JSON.stringify([at, oldObject]);
      const collection = server.asked.map(told).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      const seen = world.plain({ life, collection });
      for (const undo of remove) await undo();
      return seen;
    },
  },
  {
    title: 'who owns what a webhook sets',
    async play(world) {
      const remove = await world.configure('Mutating', 'owners', [
        {
          name: 'owners.example.com',
          answer: ({ request }) =>
            request['operation'] === 'DELETE'
              ? { allowed: true }
              : patchAnswer(
                  add('/data/hook', String(((request.object?.['data'] ?? {}) as Doc)['a'])),
                ),
        },
      ]);
      const path = `${world.configMaps}/owned`;
      const made = await world.create('owned', { data: { a: '1' } }, '?fieldManager=me');
      const patched = await world.call(
        'PATCH',
        `${path}?fieldManager=you`,
        { data: { a: '2' } },
        'application/merge-patch+json',
      );
      const applied = await world.call(
        'PATCH',
        `${path}?fieldManager=ap`,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' }, data: { b: '2' } },
        'application/apply-patch+yaml',
      );
      await world.call('DELETE', path);
      await remove();
      return [made, patched, applied].map((answer) => ({
        data: dataOf(answer),
        owners: owners(answer),
      }));
    },
  },
  {
    title: 'the order, and another round',
    async play(world) {
      const { server } = world;
      const count =
        (name: string) =>
        ({ request }: Review) => {
          const data = (request.object?.['data'] ?? {}) as Doc;
          return patchAnswer(
            add('/data', { ...data, [name]: String(Number(data[name] ?? 0) + 1) }),
          );
        };
      const remove = [
        await world.configure('Mutating', 'b-second', [
          {
            name: 'c.example.com',
            reinvocationPolicy: 'IfNeeded',
            answer: () => ({ allowed: true }),
          },
          { name: 'd.example.com', answer: count('d') },
        ]),
        await world.configure('Mutating', 'a-first', [
          { name: 'a.example.com', reinvocationPolicy: 'IfNeeded', answer: count('a') },
          { name: 'b.example.com', answer: count('b') },
        ]),
      ];
      server.asked.length = 0;
      const made = await world.create('ordered', { data: { x: '1' } });
      const asked = server.asked.map(({ path }) => path);
      for (const undo of remove) await undo();
      return { data: dataOf(made), asked };
    },
  },
  {
    title: 'a patch of what goes away',
    async play(world) {
      await world.create('gone');
      const remove = await world.configure('Mutating', 'gone', [
        { name: 'gone.example.com', answer: () => patchAnswer(add('/data', {})) },
      ]);
      const refused = await world.call('DELETE', `${world.configMaps}/gone`);
      await remove();
      return world.outcome(refused);
    },
  },
  {
    title: 'another version of the kind, and scale',
    async play(world) {
      const rules = [
        {
          operations: ['*'],
          apiGroups: ['autoscaling'],
          apiVersions: ['v1'],
          resources: ['horizontalpodautoscalers'],
        },
        {
          operations: ['*'],
          apiGroups: ['apps'],
          apiVersions: ['v1'],
          resources: ['deployments/scale'],
        },
      ];
      const remove = await world.configure('Mutating', 'versions', [
        {
          name: 'versions.example.com',
          rules,
          answer: ({ request }) =>
            (request['subResource'] as string | undefined) === 'scale'
              ? patchAnswer(add('/spec/replicas', 7))
              : patchAnswer(add('/spec/targetCPUUtilizationPercentage', 55)),
        },
      ]);
      const base = `/apis/autoscaling/v2/namespaces/${world.namespace}/horizontalpodautoscalers`;
      const made = await world.call('POST', base, {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'h' },
        spec: {
          maxReplicas: 3,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        },
      });
      const deployments = `/apis/apps/v1/namespaces/${world.namespace}/deployments`;
      const labels = { app: 'd' };
      await world.call('POST', deployments, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd' },
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      });
      const scaled = await world.call(
        'PATCH',
        `${deployments}/d/scale`,
        { spec: { replicas: 2 } },
        'application/merge-patch+json',
      );
      const after = await world.call('GET', `${deployments}/d`);
      const seen = world.server.asked.map(({ review }) => world.plain(requestOf(review)));
      await remove();
      await world.call('DELETE', `${deployments}/d`);
      await world.call('DELETE', `${base}/h`);
      return {
        metrics: ((made.body as { spec?: Doc }).spec ?? (made.body as Doc))['metrics'],
        scaled: (scaled.body as Doc)['spec'],
        replicas: (after.body as { spec: Doc }).spec['replicas'],
        seen,
      };
    },
  },
  {
    title: 'tokens and reviews',
    async play(world) {
      const rules = [
        {
          operations: ['CREATE'],
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['serviceaccounts/token'],
        },
        {
          operations: ['CREATE'],
          apiGroups: ['authorization.k8s.io'],
          apiVersions: ['v1'],
          resources: ['localsubjectaccessreviews'],
        },
      ];
      await world.call('POST', `/api/v1/namespaces/${world.namespace}/serviceaccounts`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'sa' },
      });
      const remove = await world.configure('Validating', 'tokens', [
        { name: 'tokens.example.com', rules, answer: denied({ message: 'no tokens' }) },
      ]);
      const token = await world.call(
        'POST',
        `/api/v1/namespaces/${world.namespace}/serviceaccounts/sa/token`,
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
      );
      const review = await world.call(
        'POST',
        `/apis/authorization.k8s.io/v1/namespaces/${world.namespace}/localsubjectaccessreviews`,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'LocalSubjectAccessReview',
          metadata: { namespace: world.namespace },
          spec: {
            user: 'u',
            resourceAttributes: { namespace: world.namespace, verb: 'get', resource: 'pods' },
          },
        },
      );
      const seen = world.server.asked.map(({ review: one }) =>
        world.plain({ ...(requestOf(one) as Doc), object: one.request.object?.['kind'] }),
      );
      await remove();
      return { token: world.outcome(token), review: world.outcome(review), seen };
    },
  },
];
