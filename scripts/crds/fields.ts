// Short ways to write what many fields of our kinds look like.
import type { OpenAPISchema } from './open-api-schema.ts';

export const DURATION = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';

/** How many there may be of what rules run over; far above what anybody has. */
export const MAXIMUM = 64;

export function duration(description: string, value?: string): OpenAPISchema {
  const schema = { type: 'string', pattern: DURATION, maxLength: 32, description };
  return value === undefined ? schema : { ...schema, default: value };
}

export function count(description: string): OpenAPISchema {
  return { type: 'integer', format: 'int32', description };
}

export function text(description: string): OpenAPISchema {
  return { type: 'string', description };
}

/** The name of something that ends up in a label or in the name of a Pod's volume. */
export function label(description: string): OpenAPISchema {
  return {
    type: 'string',
    minLength: 1,
    maxLength: 63,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    description,
  };
}

export function flag(description: string, value?: boolean): OpenAPISchema {
  const schema = { type: 'boolean', description };
  return value === undefined ? schema : { ...schema, default: value };
}

export function texts(description: string): OpenAPISchema {
  return {
    type: 'array',
    maxItems: 256,
    items: { type: 'string' },
    'x-kubernetes-list-type': 'atomic',
    description,
  };
}

export function textMap(description: string): OpenAPISchema {
  return { type: 'object', additionalProperties: { type: 'string' }, description };
}

/** A list whose items are told apart by these fields. */
export function keyed(
  description: string,
  keys: readonly string[],
  items: OpenAPISchema,
  maxItems = MAXIMUM,
): OpenAPISchema {
  return {
    type: 'array',
    description,
    maxItems,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [...keys],
    items,
  };
}
