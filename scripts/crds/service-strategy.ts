// How a Service is updated: the strategy, and the hooks before and after a rollout.
import { componentSchema } from '#controlplane/api/schema/corpus.ts';
import { count, duration, flag, texts } from './fields.ts';
import { openAPISchemaOf } from './open-api-schema.ts';
import type { OpenAPISchema } from './open-api-schema.ts';
import { canaryRules, hookRules, updateStrategyRules } from './service-rules.ts';

const canary: OpenAPISchema = {
  type: 'object',
  description: 'Steps of a Canary rollout.',
  properties: {
    steps: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      'x-kubernetes-list-type': 'atomic',
      description:
        'So many instances of the new revision, one step after the other; after the last step all follow. Without steps: one instance, until promoted.',
      items: {
        type: 'object',
        required: ['count'],
        properties: {
          count: {
            anyOf: [{ type: 'integer' }, { type: 'string' }],
            'x-kubernetes-int-or-string': true,
            description:
              'New instances after this step: a number, or a share of all as "25%", rounded up.',
          },
          pause: duration(
            'How long the step is watched before the next one: 30s, 5m, 1h. Without it: until `windlass promote`.',
          ),
        },
        'x-kubernetes-validations': canaryRules,
      },
    },
  },
};

const blueGreen: OpenAPISchema = {
  type: 'object',
  description: 'Settings of a BlueGreen rollout.',
  properties: {
    autoPromote: flag(
      'Whether traffic is switched as soon as the new set is available; otherwise `windlass promote` does it.',
      true,
    ),
    keep: duration('How long the old set is kept after the switch, to switch back at once.', '0s'),
  },
};

export const updateStrategy: OpenAPISchema = {
  type: 'object',
  default: {},
  description: 'How instances are replaced when what they run changes.',
  'x-kubernetes-validations': updateStrategyRules,
  properties: {
    type: {
      type: 'string',
      enum: ['Rolling', 'BlueGreen', 'Canary', 'Recreate'],
      default: 'Rolling',
      description:
        'Rolling replaces a few instances at a time. Canary does so in steps and waits after each. BlueGreen starts a full second set, then switches traffic to it. Recreate stops all old instances before the first new one starts.',
    },
    order: {
      type: 'string',
      enum: ['Auto', 'StartFirst', 'StopFirst'],
      default: 'Auto',
      description:
        'What comes first when an instance is replaced. Auto starts the new one first, unless both would need the same host port, or one named volume that may have one writer only.',
    },
    maxParallel: {
      ...count('How many instances are replaced at the same time.'),
      minimum: 1,
      default: 1,
    },
    delay: duration('Pause between one replaced instance and the next: 30s, 5m, 1h30m.', '0s'),
    monitorPeriod: duration(
      'How long a new instance without a readiness or startup probe must run before it counts as available.',
      '5s',
    ),
    progressDeadline: duration(
      'How long a new instance may take to become available before it counts as failed.',
      '5m',
    ),
    failureAction: {
      type: 'string',
      enum: ['Rollback', 'Pause', 'Continue'],
      default: 'Pause',
      description:
        'What a failed rollout leads to; an instance whose replacement failed is back in any case. Pause keeps what serves, Rollback brings every instance back to the revision before, Continue goes on with the other instances.',
    },
    maxFailureRatio: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0,
      description:
        'Share of all instances whose replacement may fail before the rollout counts as failed: 0 for none, 0.25 for a quarter.',
    },
    canary,
    blueGreen,
  },
};

function hook(when: string): OpenAPISchema {
  const variable = componentSchema('io.k8s.api.core.v1.EnvVar');
  const securityContext = componentSchema('io.k8s.api.core.v1.SecurityContext');
  if (variable === undefined || securityContext === undefined)
    throw new Error('The corpus has no EnvVar or no SecurityContext');
  return {
    type: 'object',
    description: `A command that runs once, to its end, ${when}: with the image, environment and volumes of the first container.`,
    'x-kubernetes-validations': hookRules,
    properties: {
      command: texts(
        'Instead of the entrypoint (and the arguments) of the first container: the program and its arguments.',
      ),
      args: texts('Instead of the arguments of the first container.'),
      image: { type: 'string', description: "Instead of the first container's image." },
      env: {
        type: 'array',
        maxItems: 256,
        description: "Added to the first container's environment; the same name takes its place.",
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: openAPISchemaOf(variable),
      },
      timeout: duration('It is stopped, and counts as failed, after this long.', '5m'),
      securityContext: {
        ...openAPISchemaOf(securityContext),
        description: "Fields of it take the place of the first container's.",
      },
    },
  };
}

export const hooks: OpenAPISchema = {
  type: 'object',
  description:
    'Commands around a rollout. They run once for each rollout of a revision, never because instances are added, moved or repaired.',
  properties: {
    preDeploy: hook(
      'before the first instance of a new revision starts; when it fails, nothing is rolled out',
    ),
    postDeploy: hook('after all instances of a new revision are available'),
  },
};
