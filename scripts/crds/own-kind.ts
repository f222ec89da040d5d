// The frame that the CustomResourceDefinitions of our kinds have in common.
import type { OpenAPISchema } from './open-api-schema.ts';

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** Above 0: only with `-o wide`. */
  readonly priority?: number;
}

export interface OwnKind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly category: 'all' | 'windlass';
  readonly columns: readonly Column[];
  /** Beside `status`. */
  readonly subresources?: OpenAPISchema;
  readonly description: string;
  /** CEL rules over the whole object. */
  readonly rules?: readonly object[];
  readonly spec: OpenAPISchema;
  readonly status: OpenAPISchema;
}

/** When it was made; stands before the columns that only `-o wide` shows. */
export const AGE: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
};

export function ownKind(own: OwnKind) {
  const { kind, plural, rules } = own;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.windlass.dev` },
    spec: {
      group: 'windlass.dev',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [own.shortName],
        categories: [own.category],
      },
      scope: 'Namespaced',
      // The default, written out so that a server's stored copy is equal to this one.
      conversion: { strategy: 'None' },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          additionalPrinterColumns: own.columns,
          subresources: { status: {}, ...own.subresources },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: own.description,
              required: ['spec'],
              ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: own.spec,
                status: own.status,
              },
            },
          },
        },
      ] as const,
    },
  } as const;
}

/** `status.conditions` in the Kubernetes form. */
export function conditions(description: string): OpenAPISchema {
  return {
    type: 'array',
    description,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
    items: {
      type: 'object',
      required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
      properties: {
        type: { type: 'string', maxLength: 316 },
        status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
        reason: { type: 'string', minLength: 1, maxLength: 1024 },
        message: { type: 'string', maxLength: 32_768 },
        observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
        lastTransitionTime: { type: 'string', format: 'date-time' },
      },
    },
  };
}
