// Plans against objects that kubectl printed of a running server: hello with three instances on machine-1.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { helloManifest } from '#test/support/hello.ts';
import { projectRoot } from '#test/support/windlass.ts';
import { ManifestError, parseManifests } from '../apply/manifest.ts';
import { CommandError } from '../usage-error.ts';
import { formatPlans, planJSON } from './format-plan.ts';
import type { ServicePreview } from './preview.ts';
import { recordedPreviews } from './recorded-previews.ts';
import { recordedState } from './recorded-state.ts';

const RECORDED = readFileSync(join(projectRoot, 'test', 'cases', 'recorded-state.json'), 'utf8');
const SAME = helloManifest({ port: 8080 });

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid: string };
}
const ITEMS = (JSON.parse(RECORDED) as { readonly items: readonly Item[] }).items;
const UID = ITEMS.find(({ kind }) => kind === 'Service')?.metadata.uid;
const PODS = ITEMS.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name);

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function previews(manifest: string, state: string = RECORDED): readonly ServicePreview[] {
  const recorded = recordedState(parseManifests('state.json', state));
  return recordedPreviews(recorded, parseManifests('file.yaml', manifest), 'default');
}

function planOf(manifest: string, state: string = RECORDED): ReturnType<typeof planJSON> {
  const [preview] = previews(manifest, state);
  assert.ok(preview !== undefined);
  return planJSON(preview);
}

test('a plan of an unchanged spec is empty and says so', () => {
  const plan = { service: 'hello', serviceID: UID, operations: [], summary: 'up to date' };
  assert.deepEqual(planOf(SAME), plan);
  assert.equal(formatPlans(previews(SAME)), 'hello is up to date\n');
});

test('a change replaces every instance, and says which field it was', () => {
  const { operations, summary, serviceID } = planOf(helloManifest({ port: 8080, greeting: 'Hi' }));
  assert.equal(serviceID, UID);
  assert.equal(summary, '3 replace (start-first) · across 1 machine');
  assert.deepEqual(operations.map(({ pod = '' }) => pod).toSorted(), PODS.toSorted());
  for (const operation of operations) {
    const { pod, ...rest } = operation;
    assert.deepEqual(rest, {
      op: 'replace',
      node: 'machine-1',
      order: 'start-first',
      reasons: ['spec.containers[hello].env[GREETING].value: Hello from Windlass → Hi'],
    });
    assert.ok(pod !== undefined);
  }
});

test('the plan is the same where the service itself was not recorded', () => {
  const changed = helloManifest({ port: 8080, greeting: 'Hi' });
  const without = listOf(ITEMS.filter(({ kind }) => kind !== 'Service'));
  assert.deepEqual(planOf(changed, without), planOf(changed));
  assert.deepEqual(planOf(SAME, without), planOf(SAME));
});

test('what others wrote into the service stays, what was applied before and is gone goes', () => {
  const restarted = structuredClone(ITEMS) as unknown as {
    kind: string;
    spec: { template: { metadata?: object } };
  }[];
  const service = restarted.find(({ kind }) => kind === 'Service');
  assert.ok(service !== undefined);
  service.spec.template.metadata = { annotations: { theirs: 'kept' } };
  const [preview] = previews(SAME, listOf(restarted));
  assert.deepEqual(preview?.after.spec.template.metadata?.annotations, { theirs: 'kept' });
  const gone = SAME.replace('terminationGracePeriodSeconds: 10', '');
  assert.match(
    planOf(gone).operations[0]?.reasons.join() ?? '',
    /terminationGracePeriodSeconds: 10 → /,
  );
});

test('a new service runs its instances on machines that are ready, or says why on none', () => {
  const fresh = SAME.replace('name: hello\n', 'name: fresh\n');
  const { serviceID, operations, summary } = planOf(fresh);
  assert.equal(serviceID, null);
  assert.deepEqual(
    operations.map(({ op, node }) => `${op} ${node}`),
    Array(3).fill('run machine-1'),
  );
  assert.equal(summary, '3 create · across 1 machine');
  const nowhere = planOf(fresh, listOf([]));
  assert.deepEqual(nowhere.operations[0], {
    op: 'run',
    node: '',
    reasons: [
      '0 of 3 instances exist',
      'no machines available that satisfy all constraints: no node has joined yet',
    ],
  });
  assert.match(nowhere.summary, /^3 create · waits: no machines available/);
});

test('formatPlans() draws the tree', () => {
  const changed = helloManifest({
    port: 8081,
    replicas: 2,
    replace: { 'node:26-slim': 'node:27-slim' },
  });
  const [first, second, third] = PODS.toSorted();
  assert.equal(
    formatPlans(previews(changed)),
    [
      '~ update service hello',
      '  │ ~ image:           node:26-slim → 27-slim',
      '  │ ~ replicas:        3 → 2',
      '  │ ~ ingress[0].port: 8080 → 8081',
      '  │',
      `  ├── +/- replace container ${first} on machine-1`,
      '  │         spec.containers[hello].image: node:26-slim → node:27-slim',
      `  ├── +/- replace container ${second} on machine-1`,
      '  │         spec.containers[hello].image: node:26-slim → node:27-slim',
      `  ╰── -   remove container ${third} on machine-1`,
      '            2 of 3 instances are wanted',
      '───────────────────────',
      '2 replace (start-first) · 1 remove · across 1 machine',
      '',
    ].join('\n'),
  );
});

test('formatPlans() shows stop-first, new and global services, and settings alone', () => {
  const stopFirst = helloManifest({
    port: 8080,
    greeting: 'Hi',
    replace: { 'replicas: 3': 'replicas: 3\n  updateStrategy: { order: StopFirst }' },
  });
  const text = formatPlans(previews(stopFirst));
  assert.match(text, /├── -\/\+ replace container \S+ on machine-1 \(stop-first\)\n/);
  assert.match(text, /3 replace \(stop-first\) · across 1 machine\n$/);
  assert.match(text, /~ updateStrategy\.order: +Auto → StopFirst\n/);
  const fresh = SAME.replace('name: hello\n', 'name: fresh\n').replace(
    'replicas: 3',
    'mode: Global',
  );
  assert.match(formatPlans(previews(fresh)), /^\+ create service fresh \(global\)\n/);
  const port = formatPlans(previews(helloManifest({ port: 9090 })));
  assert.match(port, /ingress\[0\]\.port: 8080 → 9090\n───+\nno container changes\n$/);
});

test('a paused service says that it is held', () => {
  const paused = helloManifest({
    port: 8080,
    greeting: 'Hi',
    replace: { 'replicas: 3': 'replicas: 3\n  paused: true' },
  });
  const { operations, summary } = planOf(paused);
  assert.deepEqual(operations, []);
  assert.match(summary, /held: spec\.paused is true/);
  assert.match(
    formatPlans(previews(paused)),
    /^~ update service hello\n {2}│ ! held: spec\.paused/,
  );
});

const WRONG_FILES: readonly (readonly [from: string, to: string, why: RegExp])[] = [
  ['replicas: 3', 'replicas: three', /line \d+: Service hello: spec\.replicas must be a whole/],
  ['replicas: 3', 'mode: Sometimes', /spec\.mode must be Replicated or Global, found "Sometimes"/],
  ['image: node:26-slim', 'imag: x', /containers\[0\]\.image must be a string, found nothing/],
  ['- name: http\n', '- http\n          x:\n', /does not parse|must be a list of objects/],
  ['replicas: 3', 'updateStrategy: { delay: soon }', /updateStrategy\.delay "soon" is no duration/],
  ['replicas: 3', 'updateStrategy: fast', /spec\.updateStrategy must be an object, found "fast"/],
];

for (const [from, to, why] of WRONG_FILES) {
  test(`without a server, ${to.trim()} is refused by name`, () => {
    assert.ok(SAME.includes(from), from);
    assert.throws(
      () => previews(SAME.replace(from, to)),
      (error) =>
        (error instanceof ManifestError || error instanceof CommandError) &&
        why.test(error.message),
    );
  });
}

const WRONG_STATES: readonly (readonly [object: object, why: RegExp])[] = [
  [{ kind: 'Pod' }, /state\.json, .*Pod x: spec\.containers|spec\.containers is missing/],
  [{ kind: 'Pod', spec: { containers: [null] } }, /spec\.containers must be a list of objects/],
  [{ kind: 'Node', spec: { taints: 'no' } }, /spec\.taints must be a list of objects, found "no"/],
  [{ kind: 'ControllerRevision', apiVersion: 'apps/v1' }, /revision must be a number/],
];

for (const [object, why] of WRONG_STATES) {
  test(`a recorded ${JSON.stringify(object)} is refused by name`, () => {
    const item = { apiVersion: 'v1', metadata: { name: 'x' }, ...object };
    assert.throws(
      () => previews(SAME, listOf([item])),
      (error) => error instanceof ManifestError && why.test(error.message),
    );
  });
}

test('other kinds in the recorded state are passed over', () => {
  const other = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } };
  assert.deepEqual(planOf(SAME, listOf([...ITEMS, other])), planOf(SAME));
});
