// Kinds that are questions: a POST is answered with the object and its status, and nothing is stored.
import type { KindRow } from './define.ts';

const authentication = { group: 'authentication.k8s.io', version: 'v1' } as const;
const authorization = { group: 'authorization.k8s.io', version: 'v1' } as const;
const asked = { verbs: ['create'], isVirtual: true } as const;

export const reviewKinds: readonly KindRow[] = [
  {
    ...authentication,
    ...asked,
    kind: 'SelfSubjectReview',
    resource: 'selfsubjectreviews',
    namespaced: false,
  },
  { ...authentication, ...asked, kind: 'TokenReview', resource: 'tokenreviews', namespaced: false },
  {
    ...authorization,
    ...asked,
    kind: 'LocalSubjectAccessReview',
    resource: 'localsubjectaccessreviews',
    namespaced: true,
  },
  {
    ...authorization,
    ...asked,
    kind: 'SelfSubjectAccessReview',
    resource: 'selfsubjectaccessreviews',
    namespaced: false,
  },
  {
    ...authorization,
    ...asked,
    kind: 'SelfSubjectRulesReview',
    resource: 'selfsubjectrulesreviews',
    namespaced: false,
  },
  {
    ...authorization,
    ...asked,
    kind: 'SubjectAccessReview',
    resource: 'subjectaccessreviews',
    namespaced: false,
  },
];
