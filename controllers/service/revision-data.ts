// What makes a revision of a service: the parts of its spec that instances are made of, in one form for all ways of writing the same
// thing. Pure.
import type { V1Container } from '@kubernetes/client-node';
import { normalizeTemplate } from './normalize.ts';
import type { PodTemplate, RevisionData, RevisionSpec, ServiceVolume } from './types.ts';

/** @param secretVersions Secret name → version, of all Secrets that are there */
export function revisionDataOf(
  { template, volumes, configs, secrets, engine }: RevisionSpec,
  secretVersions: ReadonlyMap<string, string>,
): RevisionData {
  const versions = (secrets ?? []).flatMap(({ name, secretName = name }) => {
    const version = secretVersions.get(secretName);
    return version === undefined ? [] : [[secretName, version] as const];
  });
  return {
    template,
    ...(isEmpty(volumes) ? {} : { volumes }),
    ...(isEmpty(configs) ? {} : { configs }),
    ...(isEmpty(secrets) ? {} : { secrets }),
    ...(engine === undefined || Object.keys(engine).length === 0 ? {} : { engine }),
    ...(versions.length === 0 ? {} : { secretVersions: Object.fromEntries(versions) }),
  };
}

/** The volumes of the service that a container mounts; the others mean nothing to an instance. */
export function mountedVolumes({ template, volumes = [] }: RevisionSpec): readonly ServiceVolume[] {
  if (volumes.length === 0) return volumes;
  // A revision may have been edited by hand.
  const pod: { readonly [list in 'containers' | 'initContainers']?: readonly V1Container[] } =
    template.spec;
  const mounted = new Set(
    [...(pod.containers ?? []), ...(pod.initContainers ?? [])].flatMap(({ volumeMounts = [] }) =>
      volumeMounts.map(({ name }) => name),
    ),
  );
  return volumes.filter(({ name }) => mounted.has(name));
}

/** Whether where claims are matters to a service. */
export function hasClaims({ volumes = [], template }: RevisionSpec): boolean {
  return volumes.length > 0 || templateClaims(template).length > 0;
}

/** Names of the PersistentVolumeClaims that the template has as volumes of its own, each once; mounted or not, they must be there. */
export function templateClaims({ spec }: PodTemplate): readonly string[] {
  // A revision may have been edited by hand.
  const { volumes = [] }: Pick<Partial<typeof spec>, 'volumes'> = spec;
  const names = volumes.flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  );
  return [...new Set(names)];
}

/**
 * One form for all that means the same; its JSON text is canonical. What only says how a volume is made (size, labels), or who
 * else may bring it (external), changes no instance.
 */
export function normalizeRevision(data: RevisionData): ReturnType<typeof normalizeTemplate> {
  const { template, configs, secrets, engine, secretVersions } = data;
  const volumes = mountedVolumes(data).map(({ name, claimName = name, driver }) => ({
    name,
    claimName,
    driver,
  }));
  // Without any of these, a service has the hash that its template alone always gave it.
  return normalizeTemplate({ ...template, volumes, configs, secrets, engine, secretVersions });
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return list === undefined || list.length === 0;
}
