import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { evaluateChange } from './evaluate.ts';
import type { Verdict } from './evaluate.ts';
import { decideOrder } from './order.ts';
import { settings } from './plan-fixture.ts';
import { revisionHash } from './revision-hash.ts';
import { parseDuration } from '../machinery/duration.ts';
import { resolveSettings } from './settings.ts';
import type { PodTemplate } from './types.ts';

function pod(container: Partial<V1Container>, spec: Partial<V1PodSpec> = {}): PodTemplate {
  return { spec: { containers: [{ name: 'c', image: 'a:1', ...container }], ...spec } };
}

const changes: readonly [string, PodTemplate, PodTemplate, Verdict, readonly string[]][] = [
  ['nothing', pod({}), pod({}), 'up-to-date', []],
  ['an empty list that was absent', pod({}), pod({ args: [], env: [] }), 'up-to-date', []],
  [
    'a default that is written out',
    pod({}),
    pod({ imagePullPolicy: 'IfNotPresent' }, { restartPolicy: 'Always' }),
    'up-to-date',
    [],
  ],
  [
    'the order of ports',
    pod({ ports: [{ containerPort: 1 }, { containerPort: 2 }] }),
    pod({ ports: [{ containerPort: 2, protocol: 'TCP' }, { containerPort: 1 }] }),
    'up-to-date',
    [],
  ],
  [
    'another way to write a quantity',
    pod({ resources: { limits: { cpu: '1', memory: '1Gi' } } }),
    pod({ resources: { limits: { cpu: '1000m', memory: '1024Mi' } } }),
    'up-to-date',
    [],
  ],
  [
    'the image',
    pod({}),
    pod({ image: 'a:2' }),
    'needs-recreate',
    ['spec.containers[c].image: a:1 → a:2'],
  ],
  [
    'resources only',
    pod({ resources: { limits: { cpu: '1' } } }),
    pod({ resources: { limits: { cpu: '2' } } }),
    'needs-update',
    ['spec.containers[c].resources.limits.cpu: 1 → 2'],
  ],
  [
    'an environment variable',
    pod({ env: [{ name: 'A', value: '1' }] }),
    pod({ env: [{ name: 'A', value: '2' }] }),
    'needs-recreate',
    ['spec.containers[c].env[A].value: 1 → 2'],
  ],
  [
    'an environment variable that may hold a credential',
    pod({ env: [{ name: 'DB_PASSWORD', value: 'old' }] }),
    pod({ env: [{ name: 'DB_PASSWORD', value: 'new' }] }),
    'needs-recreate',
    ['spec.containers[c].env[DB_PASSWORD].value: (hidden) → (hidden)'],
  ],
  [
    'the order of environment variables',
    pod({
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    }),
    pod({
      env: [
        { name: 'B', value: '2' },
        { name: 'A', value: '1' },
      ],
    }),
    'needs-recreate',
    ['spec.containers[c].env: ["A","B"] → ["B","A"]'],
  ],
  ['a pull policy of Always', pod({}), pod({ imagePullPolicy: 'Always' }), 'up-to-date', []],
];

for (const [what, from, to, verdict, reasons] of changes) {
  test(`evaluateChange() judges ${what}: ${verdict}`, () => {
    assert.deepEqual(evaluateChange({ template: from }, { template: to }), { verdict, reasons });
    assert.equal(
      revisionHash({ template: from }) === revisionHash({ template: to }),
      verdict === 'up-to-date',
    );
  });
}

const volume: Partial<V1PodSpec> = {
  volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'd' } }],
};
const mounted = pod({ volumeMounts: [{ name: 'd', mountPath: '/d' }] }, volume);
const hostPort = pod({ ports: [{ containerPort: 80, hostPort: 80 }] });

const decisions: readonly [string, Parameters<typeof decideOrder>, string][] = [
  ['nothing in the way', [settings(), pod({}), pod({})], 'start-first'],
  ['the same host port', [settings(), hostPort, hostPort], 'stop-first'],
  [
    'another host address',
    [
      settings(),
      pod({ ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }] }),
      pod({ ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.2' }] }),
    ],
    'start-first',
  ],
  ['one instance with a volume', [settings({ replicas: 1 }), mounted, mounted], 'stop-first'],
  ['several instances with a volume', [settings({ replicas: 2 }), mounted, mounted], 'start-first'],
  [
    'a volume that nobody mounts',
    [settings({ replicas: 1 }), pod({}, volume), pod({}, volume)],
    'start-first',
  ],
  [
    'an explicit order against the rule',
    [settings({ order: 'StartFirst' }), hostPort, hostPort],
    'start-first',
  ],
  ['an explicit stop-first', [settings({ order: 'StopFirst' }), pod({}), pod({})], 'stop-first'],
];

for (const [what, [config, from, to], order] of decisions) {
  test(`decideOrder() chooses ${order} for ${what}`, () => {
    assert.equal(decideOrder(config, from, to).order, order);
  });
}

test('parseDuration() reads sums of units and refuses the rest', () => {
  const table: readonly [string, number | undefined][] = [
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['200ms', 200],
    ['5', undefined],
    ['', undefined],
    ['-5s', undefined],
    ['5 s', undefined],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test('resolveSettings() names the field that cannot be used', () => {
  const metadata = { name: 'web', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const spec = { template: pod({}) };
  const table: readonly [Parameters<typeof resolveSettings>[0], RegExp][] = [
    [
      { metadata, spec: { ...spec, updateStrategy: { type: 'Violet' as never } } },
      /^spec\.updateStrategy\.type "Violet" is not known: use Rolling, BlueGreen, Canary, Recreate/,
    ],
    [
      { metadata, spec: { ...spec, updateStrategy: { canary: { steps: [{ count: '0%' }] } } } },
      /^spec\.updateStrategy\.canary\.steps\[0\]\.count "0%" is neither a number/,
    ],
    [
      { metadata, spec: { ...spec, hooks: { preDeploy: { timeout: 'long' } } } },
      /^spec\.hooks\.preDeploy\.timeout "long" is no duration/,
    ],
    [
      { metadata, spec: { ...spec, updateStrategy: { delay: 'soon' } } },
      /^spec\.updateStrategy\.delay "soon" is no duration/,
    ],
    [
      { metadata: { ...metadata, name: 'w'.repeat(64) }, spec },
      /^metadata\.name has 64 characters: .* which holds 63/,
    ],
  ];
  for (const [service, message] of table) {
    const result = resolveSettings(service);
    assert.match('problem' in result ? result.problem : '', message);
  }
});
