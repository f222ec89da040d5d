// Kinds of resource.k8s.io: requests for devices and what there is of them.
import { isObject, listAt, objectAt } from '#controlplane/api/fields.ts';
import { formatTimestamp } from '#controlplane/api/timestamps.ts';
import type { Environment } from '../environment.ts';
import type { Strategy } from '../strategy.ts';
import { fixedFields } from './fixed-fields.ts';

/** One device where the request says that it counts them and not how many. */
function defaultCount(request: unknown): void {
  if (isObject(request) && request['allocationMode'] === 'ExactCount') request['count'] ??= 1;
}

function defaultRequests(spec: unknown): void {
  for (const request of listAt(spec, 'devices', 'requests')) {
    defaultCount(objectAt(request)['exactly']);
    for (const alternative of listAt(request, 'firstAvailable')) defaultCount(alternative);
  }
}

function stampTaint(taint: unknown, env: Environment): void {
  if (isObject(taint)) taint['timeAdded'] ??= formatTimestamp(env.clock.now());
}

export const resourceClaimStrategy: Strategy = {
  applyDefaults: (object) => defaultRequests(object['spec']),
  validateUpdate: fixedFields('spec'),
};

export const resourceClaimTemplateStrategy: Strategy = {
  applyDefaults: (object) => defaultRequests(objectAt(object, 'spec', 'spec')),
  validateUpdate: fixedFields('spec'),
};

export const resourceSliceStrategy: Strategy = {
  hasGeneration: true,
  prepareForCreate(object, env) {
    for (const device of listAt(object, 'spec', 'devices'))
      for (const taint of listAt(device, 'taints')) stampTaint(taint, env);
  },
  prepareForUpdate(object, _old, _subresource, env) {
    for (const device of listAt(object, 'spec', 'devices'))
      for (const taint of listAt(device, 'taints')) stampTaint(taint, env);
  },
  validateUpdate: fixedFields('spec.driver', 'spec.pool.name', 'spec.nodeName'),
};

export const deviceTaintRuleStrategy: Strategy = {
  hasGeneration: true,
  prepareForCreate: (object, env) => stampTaint(objectAt(object, 'spec')['taint'], env),
  prepareForUpdate(object, old, _subresource, env) {
    const taint = objectAt(object, 'spec')['taint'];
    const before = objectAt(old, 'spec', 'taint')['timeAdded'];
    if (isObject(taint) && before !== undefined) taint['timeAdded'] ??= before;
    stampTaint(taint, env);
  },
};
