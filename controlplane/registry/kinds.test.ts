// The kinds that are kept and checked, through the registry: one good object of each, what is filled in, and what is refused.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fieldAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Fixture } from './registry-fixture.ts';
import { decode, openFixture } from './registry-fixture.ts';

let fixture: Fixture;
before(async () => (fixture = await openFixture()));
after(() => fixture.close());

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  fields: object,
): KubernetesObject => ({ apiVersion, kind, metadata: { name }, ...fields });

const admission = 'admissionregistration.k8s.io/v1';
const rule = {
  operations: ['CREATE'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['pods'],
};
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com/check' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const hooks = (...webhooks: readonly object[]): KubernetesObject =>
  object(admission, 'ValidatingWebhookConfiguration', 'x', { webhooks });
const policy = (spec: object): KubernetesObject =>
  object(admission, 'ValidatingAdmissionPolicy', 'x', {
    spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
  });
const binding = (spec: object): KubernetesObject =>
  object(admission, 'ValidatingAdmissionPolicyBinding', 'x', {
    spec: { policyName: 'p', validationActions: ['Deny'], ...spec },
  });
const flow = (spec: object): KubernetesObject =>
  object('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', 'x', {
    spec: { priorityLevelConfiguration: { name: 'p' }, ...spec },
  });
const level = (spec: object): KubernetesObject =>
  object('flowcontrol.apiserver.k8s.io/v1', 'PriorityLevelConfiguration', 'x', { spec });
const api = (name: string, spec: object): KubernetesObject =>
  object('apiregistration.k8s.io/v1', 'APIService', name, {
    spec: {
      group: 'example.com',
      version: 'v1',
      groupPriorityMinimum: 1000,
      versionPriority: 15,
      ...spec,
    },
  });
const range = (...cidrs: readonly string[]): KubernetesObject =>
  object('networking.k8s.io/v1', 'ServiceCIDR', 'x', { spec: { cidrs } });
const limits = (limit: object): KubernetesObject =>
  object('v1', 'LimitRange', 'x', { spec: { limits: [{ type: 'Container', ...limit }] } });
const volume = (spec: object): KubernetesObject =>
  object('v1', 'PersistentVolume', 'x', {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  });
const netpol = (spec: object): KubernetesObject =>
  object('networking.k8s.io/v1', 'NetworkPolicy', 'x', { spec: { podSelector: {}, ...spec } });
const ingress = (spec: object): KubernetesObject =>
  object('networking.k8s.io/v1', 'Ingress', 'x', { spec });
const backend = { service: { name: 'web', port: { number: 80 } } };
const path = (more: object): KubernetesObject =>
  ingress({ rules: [{ http: { paths: [{ pathType: 'Prefix', path: '/', backend, ...more }] } }] });

describe('what is filled in', () => {
  for (const [value, at, expected] of [
    [
      hooks(webhook),
      ['webhooks', '0'],
      {
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        timeoutSeconds: 10,
        namespaceSelector: {},
        objectSelector: {},
      },
    ],
    [policy({ validations: [{ expression: 'true' }] }), ['spec'], { failurePolicy: 'Fail' }],
    [flow({}), ['spec'], { matchingPrecedence: 1000 }],
    [
      level({ type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } }),
      ['spec', 'limited'],
      { nominalConcurrencyShares: 30, lendablePercent: 0 },
    ],
    [
      limits({ max: { cpu: '2' }, min: { cpu: '0.5' } }),
      ['spec', 'limits', '0'],
      { default: { cpu: '2' }, defaultRequest: { cpu: '2' } },
    ],
    [
      volume({ hostPath: { path: '/data' } }),
      ['spec'],
      { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    ],
    [netpol({ egress: [{}] }), ['spec'], { policyTypes: ['Ingress', 'Egress'] }],
    [
      object('storage.k8s.io/v1', 'StorageClass', 'x', { provisioner: 'a' }),
      [],
      { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
    ],
    [
      object('storage.k8s.io/v1', 'CSIDriver', 'x', { spec: {} }),
      ['spec'],
      {
        attachRequired: true,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        volumeLifecycleModes: ['Persistent'],
      },
    ],
    [
      object('scheduling.k8s.io/v1', 'PriorityClass', 'x', { value: 5 }),
      [],
      { preemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      object('resource.k8s.io/v1', 'ResourceClaim', 'x', {
        spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'c' } }] } },
      }),
      ['spec', 'devices', 'requests', '0', 'exactly'],
      { allocationMode: 'ExactCount', count: 1 },
    ],
    [
      object('discovery.k8s.io/v1', 'EndpointSlice', 'x', {
        addressType: 'IPv4',
        endpoints: [],
        ports: [{ port: 80 }],
      }),
      ['ports', '0'],
      { name: '', protocol: 'TCP' },
    ],
  ] as const) {
    test(`${value.kind}${at.length === 0 ? '' : `: ${at.join('.')}`}`, async () => {
      const made = await fixture.create(value, { dryRun: true });
      let found: unknown = made;
      for (const part of at)
        found = Array.isArray(found) ? found[Number(part)] : fieldAt(found, part);
      for (const [field, wanted] of Object.entries(expected)) {
        assert.deepEqual(fieldAt(found, field), wanted, field);
      }
    });
  }
});

describe('what is refused', () => {
  for (const [value, message] of [
    [
      hooks({ ...webhook, name: 'short' }),
      /webhooks\[0\]\.name: Invalid value: "short": should be a domain with at least three segments/,
    ],
    [hooks(webhook, webhook), /webhooks\[1\]\.name: Duplicate value/],
    [
      hooks({ ...webhook, clientConfig: {} }),
      /clientConfig: Required value: exactly one of url or service/,
    ],
    [
      hooks({ ...webhook, clientConfig: { url: 'http://example.com' } }),
      /'https' is the only allowed URL scheme/,
    ],
    [hooks({ ...webhook, sideEffects: 'Some' }), /sideEffects: Unsupported value: "Some"/],
    [
      hooks({ ...webhook, admissionReviewVersions: ['v9'] }),
      /must include at least one of v1, v1beta1/,
    ],
    [
      hooks({ ...webhook, timeoutSeconds: 31 }),
      /the timeout value must be between 1 and 30 seconds/,
    ],
    [
      hooks({ ...webhook, rules: [{ ...rule, apiGroups: ['*', 'apps'] }] }),
      /if '\*' is present, must not specify other API groups/,
    ],
    [
      hooks({ ...webhook, matchConditions: [{ name: 'a', expression: ' ' }] }),
      /webhooks\[0\]\.matchConditions\[0\]\.expression: Required value/,
    ],
    [
      policy({}),
      /spec\.validations: Required value: validations or auditAnnotations must contain at least one item/,
    ],
    [
      policy({
        validations: [{ expression: 'true' }],
        variables: [{ name: '1a', expression: '1' }],
      }),
      /must be a valid CEL identifier/,
    ],
    [
      policy({ validations: [{ expression: 'true' }], matchConstraints: {} }),
      /spec\.matchConstraints\.resourceRules: Required value/,
    ],
    [binding({ validationActions: ['Deny', 'Warn'] }), /must not contain both Deny and Warn/],
    [binding({ validationActions: [] }), /at least one validation action is required/],
    [
      binding({ paramRef: { name: 'a' } }),
      /spec\.paramRef\.parameterNotFoundAction: Required value/,
    ],
    [
      flow({ matchingPrecedence: 1 }),
      /only the schema named 'exempt' may have matchingPrecedence 1/,
    ],
    [
      flow({ rules: [{ subjects: [{ kind: 'User' }] }] }),
      /spec\.rules\[0\]\.subjects\[0\]\.user: Required value/,
    ],
    [level({ type: 'Exempt' }), /must be 'Exempt' if and only if `name` is 'exempt'/],
    [level({ type: 'Limited' }), /spec\.limited: Required value/],
    [
      api('wrong', {}),
      /metadata\.name: .*must be `spec\.version\+"\."\+spec\.group`: "v1\.example\.com"/,
    ],
    [
      api('v1.example.com', { insecureSkipTLSVerify: true }),
      /local APIServices may not have insecureSkipTLSVerify/,
    ],
    [range(), /at least one CIDR required/],
    [range('10.0.0.0/33'), /must be a valid CIDR value/],
    [range('10.0.0.0/8', '192.168.0.0/16'), /may specify no more than one IP for each IP family/],
    [
      object('networking.k8s.io/v1', 'IPAddress', 'here', {
        spec: { parentRef: { resource: 'services', name: 'a' } },
      }),
      /metadata\.name: .*must be a valid IP address/,
    ],
    [limits({ min: { cpu: '2' }, max: { cpu: '1' } }), /min value 2 is greater than max value 1/],
    [limits({ maxLimitRequestRatio: { cpu: '500m' } }), /ratio 500m is less than 1/],
    [volume({}), /spec: Required value: must specify a volume type/],
    [
      volume({ hostPath: { path: '/a' }, nfs: { server: 'a', path: '/' } }),
      /may not specify more than 1 volume type/,
    ],
    [volume({ local: { path: '/a' } }), /Local volume requires node affinity/],
    [
      object('v1', 'ResourceQuota', 'x', { spec: { hard: { unknown: '1' } } }),
      /must be a standard resource for quota/,
    ],
    [
      object('v1', 'ResourceQuota', 'x', { spec: { hard: { pods: '-1' } } }),
      /must be greater than or equal to 0/,
    ],
    [
      netpol({ ingress: [{ from: [{}] }] }),
      /spec\.ingress\[0\]\.from\[0\]: Required value: must specify a peer/,
    ],
    [
      netpol({ ingress: [{ from: [{ ipBlock: { cidr: 'all' } }] }] }),
      /ipBlock\.cidr: .*must be a valid CIDR value/,
    ],
    [
      netpol({ egress: [{ ports: [{ port: 80, endPort: 70 }] }] }),
      /must be greater than or equal to `port`/,
    ],
    [ingress({}), /either `defaultBackend` or `rules` must be specified/],
    [path({ path: 'web' }), /must be an absolute path/],
    [path({ path: '/a//b' }), /must not contain '\/\/'/],
    [path({ backend: {} }), /resource or service backend is required/],
    [ingress({ defaultBackend: { service: { name: 'web' } } }), /port name or number is required/],
    [ingress({ rules: [{ host: '192.0.2.1' }] }), /must be a DNS name, not an IP address/],
    [
      object('node.k8s.io/v1', 'RuntimeClass', 'x', { handler: 'Not_One' }),
      /handler: Invalid value/,
    ],
    [
      object('scheduling.k8s.io/v1', 'PriorityClass', 'x', { value: 1_000_000_001 }),
      /maximum allowed value of a user defined priority is 1000000000/,
    ],
    [
      object('scheduling.k8s.io/v1', 'PriorityClass', 'system-mine', { value: 1 }),
      /reserved for system use only/,
    ],
    [
      object('v1', 'Endpoints', 'x', { subsets: [{ addresses: [{ ip: 'web' }] }] }),
      /subsets\[0\]\.addresses\[0\]\.ip: .*must be a valid IP address/,
    ],
    [
      object('discovery.k8s.io/v1', 'EndpointSlice', 'x', {
        addressType: 'IPv6',
        endpoints: [{ addresses: ['192.0.2.1'] }],
      }),
      /must be an IPv6 address/,
    ],
    [
      object('storage.k8s.io/v1', 'VolumeAttachment', 'x', {
        spec: { attacher: 'a', nodeName: 'n', source: {} },
      }),
      /must specify exactly one of inlineVolumeSpec and persistentVolumeName/,
    ],
    [
      object('storage.k8s.io/v1', 'VolumeAttributesClass', 'x', { driverName: 'a' }),
      /must contain at least one key\/value pair/,
    ],
    [
      object('autoscaling/v2', 'HorizontalPodAutoscaler', 'x', {
        spec: { scaleTargetRef: { kind: 'A', name: 'a' }, minReplicas: 3, maxReplicas: 2 },
      }),
      /must be greater than or equal to `minReplicas`/,
    ],
  ] as const) {
    test(`${value.kind}: ${String(message).slice(1, 70)}`, async () => {
      await assert.rejects(fixture.create(value), { code: 422, message });
    });
  }
});

describe('what stays as it was', () => {
  for (const [value, resource, patch, message] of [
    [
      object('storage.k8s.io/v1', 'StorageClass', 'fixed', { provisioner: 'a' }),
      'storageclasses',
      { provisioner: 'b' },
      /updates to provisioner are forbidden\./,
    ],
    [
      object('storage.k8s.io/v1', 'StorageClass', 'bound', { provisioner: 'a' }),
      'storageclasses',
      { volumeBindingMode: 'WaitForFirstConsumer' },
      /volumeBindingMode: .*field is immutable/,
    ],
    [
      object('scheduling.k8s.io/v1', 'PriorityClass', 'fixed', { value: 1 }),
      'priorityclasses',
      { value: 2 },
      /may not be changed in an update\./,
    ],
    [
      object('node.k8s.io/v1', 'RuntimeClass', 'fixed', { handler: 'a' }),
      'runtimeclasses',
      { handler: 'b' },
      /handler: .*field is immutable/,
    ],
    [
      object('v1', 'PersistentVolume', 'fixed', {
        spec: {
          capacity: { storage: '1' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/a' },
        },
      }),
      'persistentvolumes',
      { spec: { hostPath: { path: '/b' } } },
      /spec\.persistentvolumesource is immutable/,
    ],
    [
      object('networking.k8s.io/v1', 'IngressClass', 'fixed', {
        spec: { controller: 'example.com/a' },
      }),
      'ingressclasses',
      { spec: { controller: 'example.com/b' } },
      /spec\.controller: .*field is immutable/,
    ],
    [
      object('discovery.k8s.io/v1', 'EndpointSlice', 'fixed', {
        addressType: 'IPv4',
        endpoints: [],
      }),
      'endpointslices',
      { addressType: 'IPv6' },
      /addressType: .*field is immutable/,
    ],
  ] as const) {
    test(`${value.kind} ${JSON.stringify(patch)}`, async () => {
      await fixture.create(value);
      const definition = fixture.kind(value.apiVersion, resource);
      const target = {
        definition,
        namespace: definition.namespaced ? 'default' : '',
        name: value.metadata.name ?? '',
      };
      const request = { type: 'merge', patch, problems: [] } as const;
      await assert.rejects(fixture.registry.patch(target, '', request, fixture.context()), {
        code: 422,
        message,
      });
    });
  }

  test('a webhook configuration counts changes of its webhooks', async () => {
    const made = await fixture.create({ ...hooks(webhook), metadata: { name: 'counted' } });
    assert.equal(made.metadata.generation, 1);
    const definition = fixture.kind(admission, 'validatingwebhookconfigurations');
    const target = { definition, namespace: '', name: 'counted' };
    const change = async (patch: unknown): Promise<number | undefined> => {
      const request = { type: 'strategic', patch, problems: [] } as const;
      const { stored } = await fixture.registry.patch(target, '', request, fixture.context());
      return decode(stored).metadata.generation;
    };
    assert.equal(await change({ metadata: { labels: { a: 'b' } } }), 1);
    assert.equal(await change({ webhooks: [{ name: webhook.name, timeoutSeconds: 5 }] }), 2);
  });
});
