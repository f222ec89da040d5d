// Cases about a spec by itself: is it valid, and what is filled in.
import { resolveSpec } from '#cli/spec/resolve-spec.ts';
import { serviceOfSpec } from '#cli/spec/service-of-spec.ts';
import { formatPort, parsePort } from '#cli/run/port-text.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { specOf, textOption } from './service-case.ts';
import type { ServiceCase } from './service-case.ts';
import { NAMESPACE, RANDOM } from './world.ts';

/** Valid is what all of the way to a Service accepts. */
export function playValidate(one: ServiceCase): Outcome {
  const resolved = resolveSpec(specOf(one), { clusterDomain: undefined, random: RANDOM });
  serviceOfSpec(resolved, NAMESPACE);
  return outcomeOf({ op: 'accept' });
}

export function playResolve(one: ServiceCase): Outcome {
  const clusterDomain = textOption(one, 'clusterDomain') ?? '';
  const resolved = resolveSpec(specOf(one), { clusterDomain, random: RANDOM });
  const { name, mode, replicas, ports = [], container } = resolved;
  return outcomeOf({
    op: 'resolved',
    name,
    mode,
    replicas,
    pullPolicy: container.pullPolicy,
    ports: ports.map((text) => formatPort(parsePort(text))),
  });
}
