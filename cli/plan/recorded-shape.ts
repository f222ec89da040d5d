// Checks on objects that no server has judged: as much as the planner relies on, named by field. Pure.
import { ManifestError } from '../apply/manifest.ts';
import type { Manifest } from '../apply/manifest.ts';

type Fields = Readonly<Record<string, unknown>>;

/** @throws ManifestError for what is there and is no list of objects */
export function checkLists(manifest: Manifest, paths: readonly string[]): void {
  for (const path of paths) {
    const value = fieldOf(manifest, path);
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value) || !value.every(isFields))
      throw wrong(manifest, path, 'must be a list of objects', value);
  }
}

/** @throws ManifestError for a spec that the planner could not read */
export function checkServiceShape(manifest: Manifest): void {
  const replicas = fieldOf(manifest, 'spec.replicas');
  if (replicas !== undefined && !(Number.isSafeInteger(replicas) && Number(replicas) >= 0))
    throw wrong(manifest, 'spec.replicas', 'must be a whole number from 0', replicas);
  const mode = fieldOf(manifest, 'spec.mode');
  if (mode !== undefined && mode !== 'Replicated' && mode !== 'Global')
    throw wrong(manifest, 'spec.mode', 'must be Replicated or Global', mode);
  for (const path of ['spec.updateStrategy', 'spec.template.metadata', 'spec.template.spec']) {
    const value = fieldOf(manifest, path);
    if (value !== undefined && !isFields(value))
      throw wrong(manifest, path, 'must be an object', value);
  }
  const template = 'spec.template.spec';
  checkLists(manifest, [
    `${template}.containers`,
    `${template}.initContainers`,
    `${template}.volumes`,
    `${template}.tolerations`,
  ]);
  const containers = fieldOf(manifest, `${template}.containers`);
  if (!Array.isArray(containers) || containers.length === 0)
    throw wrong(manifest, `${template}.containers`, 'must list a container', containers);
  for (const [index, container] of (containers as Fields[]).entries()) {
    const path = `${template}.containers[${index}]`;
    for (const field of ['name', 'image'])
      if (typeof container[field] !== 'string')
        throw wrong(manifest, `${path}.${field}`, 'must be a string', container[field]);
    checkLists(manifest, [`${path}.ports`, `${path}.env`, `${path}.volumeMounts`]);
  }
}

function fieldOf({ object }: Manifest, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    value = isFields(value) || Array.isArray(value) ? (value as Fields)[step] : undefined;
  }
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(manifest: Manifest, path: string, what: string, found: unknown): ManifestError {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 80);
  const { kind, metadata } = manifest.object;
  return new ManifestError(
    { ...manifest, line: manifest.lineOf(path) },
    `${kind} ${metadata.name}: ${path} ${what}, found ${shown}`,
  );
}
