// Cases about which instances get traffic: the state of a container, as the node agent reports it, and as everything else reads it.
import { instanceOf } from '#controllers/service/instance.ts';
import type { Pod } from '#controllers/service/instance.ts';
import type { Pod as AgentPod } from '#controllers/agent/pod.ts';
import { nodeFacts } from '#controllers/machinery/node-fit.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { statusOf } from './pod-state.ts';
import type { EngineState } from './pod-state.ts';
import type { ServiceCase } from './service-case.ts';
import { fieldsOf, flagOf, numberOf, recordOf, textOf } from './shape.ts';
import { NOW } from './world.ts';

/** As an engine tells of it: its health is a word, or an object with one. */
const healthOf = (value: unknown, path: string): string =>
  typeof value === 'object'
    ? textOf(fieldsOf(value, path)['status'] ?? 'none', `${path}.status`)
    : textOf(value, path);

/** What an engine tells besides says nothing more about whether it serves. */
const readState = recordOf<Said>({
  running: flagOf,
  paused: flagOf,
  restarting: flagOf,
  health: healthOf,
  dead: flagOf,
  oomKilled: flagOf,
  exitCode: numberOf,
  status: textOf,
  error: textOf,
});

interface Said extends Omit<EngineState, 'running'> {
  readonly running?: boolean;
  readonly dead?: boolean;
  readonly oomKilled?: boolean;
  readonly exitCode?: number;
  readonly status?: string;
  readonly error?: string;
}

export function playHealthState({ spec }: ServiceCase): Outcome {
  const { dead = false, running = false, ...told } = readState(spec['state'], 'spec.state');
  const state = { ...told, running: running && !dead };
  const metadata = { name: 'web', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  const pod: AgentPod = {
    metadata,
    spec: { nodeName: 'm1', containers: [{ name: 'web', image: 'nginx' }] },
  };
  const node = nodeFacts({
    metadata: { name: 'm1' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const reported = { ...pod, status: statusOf(pod, state, NOW) } as unknown as Pod;
  const { readySince } = instanceOf(reported, new Map([['m1', node]]));
  return outcomeOf({ op: readySince === undefined ? 'not-healthy' : 'healthy' });
}
