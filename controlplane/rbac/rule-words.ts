// How roles that come with the server are written down: `rule('get list watch', 'apps', 'deployments deployments/scale')`.
import type { PolicyRule } from './policy-rule.ts';

const words = (text: string): readonly string[] => text.split(' ');

/** @param groups `core` stands for the core group */
export function rule(
  verbs: string,
  groups: string,
  resources: string,
  resourceNames?: string,
): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
    resources: words(resources),
    ...(resourceNames === undefined ? {} : { resourceNames: words(resourceNames) }),
  };
}

export function pathRule(verbs: string, paths: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths) };
}
