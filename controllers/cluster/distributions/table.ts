// The distributions there are, one line each.
import type { DistributionRules } from '../plan-types.ts';

interface Distribution {
  readonly rules: DistributionRules;
}

const DISTRIBUTIONS: Readonly<Record<'Windlass' | 'K0s', Distribution>> = {
  Windlass: {
    rules: {
      maximumMinorStep: Infinity,
      needsVersions: false,
      hasQuorum: false,
      ignores: ['restoreFrom', 'template.artifacts', 'template.files'],
    },
  },
  K0s: {
    rules: {
      maximumMinorStep: 1,
      needsVersions: true,
      hasQuorum: true,
      ignores: ['template.rootfs', 'template.node'],
    },
  },
};

export function distributionOf(name: keyof typeof DISTRIBUTIONS): Distribution {
  return DISTRIBUTIONS[name];
}
