// pods/ephemeralcontainers: containers for looking into a running Pod. They can be added, never changed or taken away.
import type { FieldError } from '#controlplane/api/errors.ts';
import { duplicateField, forbiddenField } from '#controlplane/api/field-errors.ts';
import { listAt, objectAt, stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import { sameJSON } from '../equality.ts';

export const EPHEMERAL = 'ephemeralcontainers';

const FIELD = 'spec.ephemeralContainers';

/** The stored Pod with the ephemeral containers of `object`. */
export function mergeEphemeral(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const ephemeralContainers = listAt(object, 'spec', 'ephemeralContainers');
  return {
    ...old,
    metadata: { ...old.metadata },
    spec: {
      ...objectAt(old, 'spec'),
      ...(ephemeralContainers.length === 0 ? {} : { ephemeralContainers }),
    },
  };
}

export function validateEphemeral(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const containers = listAt(object, 'spec', 'ephemeralContainers');
  for (const container of listAt(old, 'spec', 'ephemeralContainers')) {
    const name = stringAt(container, 'name');
    const kept = containers.find((other) => stringAt(other, 'name') === name);
    if (kept === undefined) {
      const why = `existing ephemeral containers ${JSON.stringify(name)} may not be removed`;
      errors.push(forbiddenField(FIELD, why));
    } else if (!sameJSON(kept, container)) {
      const why = `existing ephemeral containers ${JSON.stringify(name)} may not be changed`;
      errors.push(forbiddenField(FIELD, why));
    }
  }
  const names = new Set(
    [...listAt(object, 'spec', 'initContainers'), ...listAt(object, 'spec', 'containers')].map(
      (container) => stringAt(container, 'name'),
    ),
  );
  for (const [index, container] of containers.entries()) {
    const name = stringAt(container, 'name');
    if (names.has(name)) errors.push(duplicateField(`${FIELD}[${index}].name`, name));
    names.add(name);
  }
  return errors;
}
