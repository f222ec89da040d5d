// Which manifests a selection of services means, and in which order they are applied. Pure.
import { ManifestError } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';
import { inOrder, withDependencies } from '../compose/depends-on.ts';
import { isService } from '../file-options.ts';

export interface Selection {
  readonly manifests: readonly Manifest[];
  /** Names that were asked for and are there. */
  readonly found: ReadonlySet<string>;
  /** For a message: which services there are. */
  readonly known: string;
}

/** @param names none: all. What is no service is in any case */
export function selectServices(
  manifests: readonly Manifest[],
  names: readonly string[],
): Selection {
  const services = manifests.filter(isService);
  const all = [...new Set(services.map(({ object }) => object.metadata.name))];
  const found = new Set(names.filter((name) => all.includes(name)));
  const known = all.length === 0 ? 'it has none' : `it has ${all.join(', ')}`;
  if (names.length === 0) return { manifests, found, known };
  const dependencies = new Map(
    services.map((one) => [one.object.metadata.name, dependenciesOf(one)] as const),
  );
  const wanted = withDependencies([...found], dependencies);
  const isWanted = (one: Manifest): boolean =>
    !isService(one) || wanted.has(one.object.metadata.name);
  return { manifests: manifests.filter(isWanted), found, known };
}

/**
 * Everything else first, since services may need it; then each service after those that it depends on.
 *
 * @throws ManifestError for services that wait for each other
 */
export function servicesLast(manifests: readonly Manifest[]): readonly Manifest[] {
  const services = new Map(manifests.filter(isService).map((one) => [key(one), one]));
  const dependencies = new Map(
    [...services].map(([id, one]) => {
      const { namespace } = one.object.metadata;
      return [id, dependenciesOf(one).map((name) => keyIn(namespace, name))] as const;
    }),
  );
  const ordered = inOrder(dependencies, (circle) => {
    const names = circle.map((id) => services.get(id)?.object.metadata.name ?? '');
    const [first] = circle.map((id) => services.get(id));
    throw new ManifestError(
      first ?? { file: '' },
      `services wait for each other: ${names.join(' → ')}`,
    );
  });
  return [
    ...manifests.filter((one) => !isService(one)),
    ...ordered.flatMap((id) => services.get(id) ?? []),
  ];
}

function key({ object: { metadata } }: Manifest): string {
  return keyIn(metadata.namespace, metadata.name);
}

function keyIn(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** As the manifest has it: nothing of it has been checked. */
function dependenciesOf({ object }: Manifest): readonly string[] {
  const { dependsOn } = (object['spec'] ?? {}) as { readonly dependsOn?: unknown };
  return Array.isArray(dependsOn) ? dependsOn.filter((one) => typeof one === 'string') : [];
}
