// What this server says that it is: the document of /version, and the same as a metric.
import { arch, platform } from 'node:process';

import { gitVersionOf, KUBERNETES_MINOR } from '#platform/kubernetes-version.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';

export interface BuildInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

/** @param windlass version of the windlass package, `0.1.0` */
export function buildInfo(windlass: string): BuildInfo {
  return {
    major: '1',
    minor: KUBERNETES_MINOR,
    gitVersion: gitVersionOf(windlass),
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: `${platform}/${arch === 'x64' ? 'amd64' : arch}`,
  };
}

/** `kubernetes_build_info`, a 1 whose labels are what matters. */
export function exposeBuildInfo(registry: MetricsRegistry, info: BuildInfo): void {
  const labels = {
    major: info.major,
    minor: info.minor,
    git_version: info.gitVersion,
    git_commit: info.gitCommit,
    git_tree_state: info.gitTreeState,
    build_date: info.buildDate,
    go_version: info.goVersion,
    compiler: info.compiler,
    platform: info.platform,
  };
  const gauge = registry.gauge({
    name: 'kubernetes_build_info',
    help: "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    labelNames: Object.keys(labels),
  });
  gauge.set(labels, 1);
}
