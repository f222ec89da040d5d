// Volumes that the Engine keeps with a driver of its own.
import type Docker from 'dockerode';
import { ignoreMissing, reasonOf } from './docker-connection.ts';
import { LABELS } from './docker-labels.ts';
import type { EngineVolume } from './runtime.ts';

interface VolumeInfo {
  readonly Driver: string;
  /** The Engine says null for none. */
  readonly Options: Readonly<Record<string, string>> | null;
}

/**
 * Makes it, or checks that the one that is there is what is asked for: it is never changed, and never made anew over its data.
 * @throws Error that names what differs; no option's value, which may be a credential
 */
export async function ensureVolume(
  docker: Docker,
  volume: EngineVolume,
  owner: string,
): Promise<void> {
  const { name, driver, options, labels } = volume;
  const found = (await docker.getVolume(name).inspect().catch(ignoreMissing)) as
    VolumeInfo | undefined;
  if (found !== undefined) {
    const different = differencesOf(found, volume);
    if (different.length === 0) return;
    throw new Error(
      `Docker volume ${name} is there with another ${different.join(', ')} than is asked for; its data stays untouched: ask for what it is, use another claim, or save its data and remove it with docker volume rm ${name}`,
    );
  }
  const { Plugins } = (await docker.info()) as {
    readonly Plugins?: { readonly Volume?: readonly string[] };
  };
  const known = Plugins?.Volume ?? [];
  // It would look long for a driver that it does not have.
  if (known.length > 0 && !known.some((one) => one === driver || one.split(':')[0] === driver)) {
    throw new Error(
      `this Docker Engine has no volume driver ${JSON.stringify(driver)}; it has ${known.join(', ')}`,
    );
  }
  try {
    await docker.createVolume({
      Name: name,
      Driver: driver,
      DriverOpts: { ...options },
      Labels: { ...labels, [LABELS.owner]: owner },
    });
  } catch (error) {
    throw new Error(`cannot create Docker volume ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

function differencesOf(found: VolumeInfo, asked: EngineVolume): readonly string[] {
  const actual = found.Options ?? {};
  const names = new Set([...Object.keys(actual), ...Object.keys(asked.options)]);
  return [
    ...(found.Driver === asked.driver ? [] : [`driver (${found.Driver})`]),
    ...[...names]
      .filter((name) => actual[name] !== asked.options[name])
      .toSorted()
      .map((name) => `option ${name}`),
  ];
}
