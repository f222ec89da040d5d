// Owners of fields in other versions, of a kind whose versions a webhook converts: what they own is looked for in their version of the
// object. The rules of managedFields are pure and ask at once, so what they miss is fetched, and they begin anew.
import type { Perspective } from '#controlplane/api/managed-fields/update.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { ResourceDefinition } from '#controlplane/api/resource.ts';
import type { Environment } from './environment.ts';

class MissingForm extends Error {
  readonly object: KubernetesObject;
  readonly apiVersion: string;

  constructor(object: KubernetesObject, apiVersion: string) {
    super('a form of the object is missing');
    this.object = object;
    this.apiVersion = apiVersion;
  }
}

/**
 * @param run pure; called until nothing is missing
 * @throws what it throws; ApiError 500 when an object cannot be converted
 */
export function withForms<T>(
  { conversions }: Pick<Environment, 'conversions'>,
  definition: ResourceDefinition,
  perspective: Perspective,
  run: (perspective: Perspective) => T,
): T | Promise<T> {
  if (definition.versions?.webhook === undefined) return run(perspective);
  const forms = new Map<string, unknown>();
  const inVersion = (value: unknown, apiVersion: string): unknown => {
    const object = value as KubernetesObject;
    // What is not there yet has no version.
    if ((object.apiVersion ?? apiVersion) === apiVersion) return object;
    const key = `${apiVersion} ${JSON.stringify(object)}`;
    if (!forms.has(key)) throw new MissingForm(object, apiVersion);
    return forms.get(key);
  };
  const seeing = { ...perspective, inVersion };
  const attempt = async (): Promise<T> => {
    for (;;) {
      try {
        return run(seeing);
      } catch (error) {
        if (!(error instanceof MissingForm)) throw error;
        const { object, apiVersion } = error;
        const form = await conversions.to(definition, object, apiVersion);
        forms.set(`${apiVersion} ${JSON.stringify(object)}`, form);
      }
    }
  };
  return attempt();
}
