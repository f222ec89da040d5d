// The Pod that runs a hook once: the first container of the instances, with another command and without probes, ports and restarts.
// Pure.
import type { V1Container, V1EnvVar, V1PodSpec } from '@kubernetes/client-node';
import { timestamp } from '../machinery/timestamps.ts';
import { pinnedTo, podMetadata, podSpec } from './build-pod.ts';
import type { PodOrder } from './build-pod.ts';
import { pinImage } from './image-digests.ts';
import type { RevisionFacts } from './plan-types.ts';
import type { HookSetting } from './settings.ts';
import { ACTIVATED_ANNOTATION, HOOK_LABEL } from './types.ts';
import type { HookName } from './types.ts';
import { withFields } from './with-fields.ts';

export interface HookOrder extends Pick<
  PodOrder,
  'service' | 'revision' | 'claims' | 'node' | 'name'
> {
  readonly hook: HookName;
  readonly setting: HookSetting;
  /** As in RevisionFacts. */
  readonly activatedAt: number;
}

/** In the environment of a hook, so that one image can tell what it is run for: `preDeploy` or `postDeploy`. */
const HOOK_VARIABLE = 'WINDLASS_HOOK';

export function buildHookPod(order: HookOrder): object {
  const { revision, hook, setting, node } = order;
  const spec = podSpec(order) as V1PodSpec;
  const [first] = spec.containers;
  // A readiness gate would wait for somebody who knows instances only.
  const { readinessGates: _gates, containers: _all, ...rest } = spec;
  return {
    metadata: podMetadata(order, {
      labels: { [HOOK_LABEL]: hook },
      annotations: { [ACTIVATED_ANNOTATION]: timestamp(order.activatedAt) },
    }),
    spec: {
      ...rest,
      containers:
        first === undefined ? [] : [hookContainer(first, hook, withPinned(setting, revision))],
      restartPolicy: 'Never',
      activeDeadlineSeconds: Math.max(1, Math.ceil(setting.timeoutMs / 1_000)),
      affinity: pinnedTo(node, revision.template),
    },
  };
}

function withPinned(setting: HookSetting, { digests }: RevisionFacts): HookSetting {
  const { image } = setting;
  return image === undefined ? setting : { ...setting, image: pinImage(image, digests) };
}

function hookContainer(first: V1Container, hook: HookName, setting: HookSetting): object {
  const {
    ports: _ports,
    livenessProbe: _live,
    readinessProbe: _ready,
    startupProbe: _startup,
    lifecycle: _lifecycle,
    ...container
  } = first;
  const { command, args, image, env = [], securityContext } = setting;
  return {
    ...container,
    ...(image === undefined ? {} : { image }),
    ...(command === undefined || command.length === 0 ? { args } : { command, args: args ?? [] }),
    env: mergedEnv(container.env ?? [], [...env, { name: HOOK_VARIABLE, value: hook }]),
    ...(securityContext === undefined
      ? {}
      : { securityContext: withFields(container.securityContext ?? {}, securityContext) }),
  };
}

/** The same name takes the place of the earlier one. */
function mergedEnv(base: readonly V1EnvVar[], more: readonly V1EnvVar[]): readonly V1EnvVar[] {
  const names = new Set(more.map(({ name }) => name));
  return [...base.filter(({ name }) => !names.has(name)), ...more];
}
