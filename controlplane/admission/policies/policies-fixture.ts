// A registry with its admission in front, as the tests of policies use it.
import type { Admission } from '#controlplane/registry/admission.ts';
import type { Fixture } from '#controlplane/registry/registry-fixture.ts';
import { openFixture } from '#controlplane/registry/registry-fixture.ts';
import { systemIds } from '#platform/id.ts';
import { silentLogger } from '#platform/logging.ts';
import type { MetricsRegistry } from '#platform/metrics.ts';
import { AdmissionControl } from '../admission-control.ts';

type Options = ConstructorParameters<typeof AdmissionControl>[0];

export interface PoliciesFixture {
  readonly fixture: Fixture;
  close(): Promise<void>;
}

/** @param authorizer what expressions are told when they ask `authorizer` */
export async function openPolicies(
  metrics: MetricsRegistry,
  authorizer: Options['authorizer'],
): Promise<PoliciesFixture> {
  const late: { admission?: Admission } = {};
  const fixture = await openFixture({ gate: (...asked) => late.admission?.gate(...asked) });
  const { store, scheme, clock } = fixture;
  const control = new AdmissionControl({
    store,
    scheme,
    clock,
    metrics,
    ids: systemIds,
    logger: silentLogger,
    authorizer,
    conversions: { between: (object) => Promise.resolve(object) },
  });
  late.admission = control;
  return {
    fixture,
    async close() {
      control.close();
      await fixture.close();
    },
  };
}
