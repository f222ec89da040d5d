// Bad objects about which our server says something else than Kubernetes' own, and why.
const byReason: Readonly<Record<string, readonly string[]>> = {
  'ours says which two namespaces it found': ['pod {"metadata/namespace":"other"}'],
  'an annotation that Kubernetes reads no more': [
    'pod {"metadata/annotations":{"seccomp.security.alpha.kubernetes.io/pod":"x"}}',
  ],
  'ours says which item of the list it is': ['pod {"spec/containers/0/stdin":"x"}'],
  'an empty name is read as no name': [
    'pod {"spec/containers/0/livenessProbe":{"httpGet":{"port":""}}}',
  ],
  'ours says which field has no quantity, and of all that are wrong': [
    'pod {"spec/containers/0/resources":{"limits":{"cpu":"x"}}}',
  ],
  'whether a ServiceAccount is there is asked when its token is': [
    'pod {"spec/serviceAccountName":"A_"}',
    'pod {"spec/serviceAccountName":"absent"}',
  ],
  'words of a store that is not ours': ['pod {} then {"metadata/uid":"1"}'],
  'what a client got wrong is no error of the server': [
    'pod {} then {"metadata/resourceVersion":"x"}',
  ],
};

/** Titles of cases. */
export const differences: ReadonlySet<string> = new Set(Object.values(byReason).flat());
