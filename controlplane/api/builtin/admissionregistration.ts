// Kinds of admissionregistration.k8s.io/v1 and apiregistration.k8s.io/v1: what extends the API from outside.
import { conditionOf, fieldAt, listAt, objectAt, stringAt } from '../fields.ts';
import type { KubernetesObject } from '../object.ts';
import { column, namedTable } from '../table.ts';
import type { KindRow } from './define.ts';
import { statusSubresource } from './define.ts';
import { selectorCell } from './workload-cells.ts';

const registration = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  namespaced: false,
  categories: ['api-extensions'],
} as const;

const count = (name: string): ReturnType<typeof column> => column(name, { type: 'integer' });

const webhooks = namedTable([count('Webhooks')], (object) => [listAt(object, 'webhooks').length]);

function paramKind(object: KubernetesObject): string {
  const kind = objectAt(object, 'spec', 'paramKind');
  const name = stringAt(kind, 'kind');
  return name === '' ? '<unset>' : `${stringAt(kind, 'apiVersion')}/${name}`;
}

function paramRef(object: KubernetesObject): string {
  const reference = objectAt(object, 'spec', 'paramRef');
  const name = stringAt(reference, 'name');
  // Whether the parameter lies in a namespace is not known here.
  if (name !== '') return `${stringAt(reference, 'namespace') || '*'}/${name}`;
  const selector = fieldAt(reference, 'selector');
  return selector === undefined ? '<unset>' : selectorCell(selector);
}

const bindings = namedTable([column('PolicyName'), column('ParamRef')], (object) => [
  stringAt(object, 'spec', 'policyName'),
  paramRef(object),
]);

const apiServices = namedTable([column('Service'), column('Available')], (object) => {
  const service = objectAt(object, 'spec', 'service');
  const name = stringAt(service, 'name');
  const available = conditionOf(object, 'Available');
  const status = stringAt(available, 'status') || 'Unknown';
  const reason = stringAt(available, 'reason');
  return [
    name === '' ? 'Local' : `${stringAt(service, 'namespace')}/${name}`,
    status === 'True' || reason === '' ? status : `${status} (${reason})`,
  ];
});

export const admissionregistrationKinds: readonly KindRow[] = [
  {
    ...registration,
    kind: 'MutatingAdmissionPolicy',
    resource: 'mutatingadmissionpolicies',
    table: namedTable([count('Mutations'), column('ParamKind')], (object) => [
      listAt(object, 'spec', 'mutations').length,
      paramKind(object),
    ]),
  },
  {
    ...registration,
    kind: 'MutatingAdmissionPolicyBinding',
    resource: 'mutatingadmissionpolicybindings',
    table: bindings,
  },
  {
    ...registration,
    kind: 'MutatingWebhookConfiguration',
    resource: 'mutatingwebhookconfigurations',
    table: webhooks,
  },
  {
    ...registration,
    kind: 'ValidatingAdmissionPolicy',
    resource: 'validatingadmissionpolicies',
    subresources: [statusSubresource],
    table: namedTable([count('Validations'), column('ParamKind')], (object) => [
      listAt(object, 'spec', 'validations').length,
      paramKind(object),
    ]),
  },
  {
    ...registration,
    kind: 'ValidatingAdmissionPolicyBinding',
    resource: 'validatingadmissionpolicybindings',
    table: bindings,
  },
  {
    ...registration,
    kind: 'ValidatingWebhookConfiguration',
    resource: 'validatingwebhookconfigurations',
    table: webhooks,
  },
  {
    group: 'apiregistration.k8s.io',
    version: 'v1',
    kind: 'APIService',
    resource: 'apiservices',
    namespaced: false,
    categories: ['api-extensions'],
    subresources: [statusSubresource],
    table: apiServices,
  },
];
