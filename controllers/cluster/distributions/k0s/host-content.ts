// What a Cluster declares for a host of k0s: the program, by the digest of its Artifact, and files. Files lie ready in one of two folders
// while those of the other are in place, so that whoever is interrupted in between finds either.
import { ArtifactError } from '../../../binaries/artifact-error.ts';
import { declaredFiles } from '../../../binaries/declared-files.ts';
import type { DeclaredFile, FileSpec } from '../../../binaries/declared-files.ts';
import type { HostArtifact, HostArtifacts } from '../../../binaries/host-artifact.ts';
import type { HostDriver } from '../../../hosts/host-driver.ts';
import { HostCommandError } from '../../../hosts/host-errors.ts';
import type { Slots } from '../../../hosts/slots.ts';
import {
  changedFiles,
  activateFiles,
  isListedAs,
  removeFiles,
  stageFiles,
} from '../../../machine/machine-files.ts';
import type { MachineFiles } from '../../../machine/machine-files.ts';
import { existingPath } from '../../../machine/artifact-places.ts';
import { putArtifacts } from '../../../machine/stage-artifacts.ts';
import type { IdSource } from '#platform/id.ts';
import { safeHash } from '../../../machinery/safe-hash.ts';
import { NotYetError } from '../../member-driver.ts';
import type { Member } from '../../member-driver.ts';
import { isSameVersion } from '../../versions.ts';
import { K0S_BINARY } from './commands.ts';

export interface HostContentOptions {
  readonly host: HostDriver;
  readonly member: Member;
  readonly artifacts: HostArtifacts;
  readonly ids: IdSource;
  /** Of this machine, for what is on its way. */
  readonly workFolder: string;
  readonly downloads: Slots;
  /** SHA-256 of a file of the host, which is not computed anew while the file looks the same. */
  readonly digestOf: (path: string, signal: AbortSignal) => Promise<string | undefined>;
}

const ACTIVE = '/var/lib/windlass/files/active-';

export class HostContent {
  readonly #options: HostContentOptions;

  constructor(options: HostContentOptions) {
    this.#options = options;
  }

  /** What is not as it should be, as words; `key` tells one wish from the next. Changes nothing. */
  async look(
    signal: AbortSignal,
  ): Promise<{ readonly key: string; readonly differences: readonly string[] }> {
    const { digestOf } = this.#options;
    const differences: string[] = [];
    const wishes: string[] = [];
    const program = await this.#wantedProgram(signal);
    if (program !== undefined) {
      wishes.push(program);
      const found = await digestOf(K0S_BINARY, signal);
      if (found !== undefined && `sha256:${found}` !== program)
        differences.push(`program ${short(`sha256:${found}`)} → ${short(program)}`);
    }
    const files = await this.#files(signal);
    if (files !== undefined) {
      wishes.push(...files.map(({ path, sha256, mode }) => `${path} ${sha256} ${mode}`));
      if (!(await isListedAs(this.#machineFiles, await this.#active(signal), files, signal)))
        differences.push('files');
    }
    return { key: wishes.length === 0 ? '' : safeHash(JSON.stringify(wishes), 12), differences };
  }

  /** Whether the program that is installed is not the one of the Artifact, of the same version. */
  async isOtherProgram(signal: AbortSignal): Promise<boolean> {
    const program = await this.#wantedProgram(signal);
    if (program === undefined) return false;
    return `sha256:${(await this.#options.digestOf(K0S_BINARY, signal)) ?? ''}` !== program;
  }

  /** Puts the program at a path, verified. @throws NotYetError while it is not there */
  async stageProgram(path: string, signal: AbortSignal): Promise<void> {
    const { host, member, artifacts, ids, workFolder, downloads } = this.#options;
    const { name, namespace = '' } = member.machine.metadata;
    const reference = this.#reference;
    if (reference === undefined)
      throw new HostCommandError(
        `Machine ${name}: the template of its pool names no artifact: say in artifacts which Artifact is the k0s program`,
      );
    const found = await artifacts.find(namespace, reference, signal);
    if ('pending' in found) throw new NotYetError(found.pending);
    const { type, delivery } = found;
    if (type !== 'File')
      throw new HostCommandError(
        `Artifact ${reference} is an archive: the k0s program is a file of its own`,
      );
    const own =
      delivery.by === 'Existing' ? await existingPath(host, delivery.paths, signal) : path;
    const digest = found.digest ?? `sha256:${(await host.digest(own, signal)) ?? ''}`;
    const place = {
      namespace,
      artifact: reference,
      type,
      digest,
      mode: 0o755,
      path: own,
      target: path,
      delivery,
    };
    await putArtifacts({ host, artifacts, ids, workFolder, downloads }, [place], signal);
  }

  /** Why a program of another version than is wanted may be there: the Artifact says that it is. */
  async otherVersion(signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#program(signal);
    const { version } = this.#options.member;
    if (found?.version === undefined || isSameVersion(found.version, version)) return undefined;
    return found.version;
  }

  /** Beside what is in place. @throws NotYetError while an Artifact is not there */
  async stageFiles(signal: AbortSignal): Promise<void> {
    const files = await this.#files(signal);
    if (files === undefined)
      throw new NotYetError('an Artifact that spec.files names is not there yet');
    const active = await this.#active(signal);
    if (await isListedAs(this.#machineFiles, active, files, signal)) return;
    await stageFiles(this.#machineFiles, active === 'a' ? 'b' : 'a', files, signal);
  }

  /** Those that lie ready take the place of those before. @returns false when they are in place */
  async installFiles(signal: AbortSignal): Promise<boolean> {
    const files = await this.#files(signal);
    const active = await this.#active(signal);
    if (files === undefined || (await isListedAs(this.#machineFiles, active, files, signal)))
      return false;
    await this.#activate(active === 'a' ? 'b' : 'a', signal);
    return true;
  }

  /** Undoes that. */
  async returnFiles(signal: AbortSignal): Promise<void> {
    await this.#activate((await this.#active(signal)) === 'a' ? 'b' : 'a', signal);
  }

  async #activate(slot: 'a' | 'b', signal: AbortSignal): Promise<void> {
    await activateFiles(this.#machineFiles, slot, signal);
    const { host, name } = this.#machineFiles;
    await host.putFile(`${ACTIVE}${name}`, slot, { signal, mode: 0o600 });
  }

  /** Puts back what somebody changed on the host. @returns their paths */
  async mendFiles(signal: AbortSignal): Promise<readonly string[]> {
    const active = await this.#active(signal);
    const changed = await changedFiles(this.#machineFiles, active, signal);
    if (changed.length > 0) await activateFiles(this.#machineFiles, active, signal);
    return changed;
  }

  async removeFiles(signal: AbortSignal): Promise<void> {
    const { host, name } = this.#machineFiles;
    await removeFiles(this.#machineFiles, signal);
    await host.remove(`${ACTIVE}${name}`, signal);
  }

  get #machineFiles(): MachineFiles {
    const { host, member } = this.#options;
    const { name, namespace = 'default' } = member.machine.metadata;
    return { host, name: namespace === 'default' ? name : `${namespace}-${name}` };
  }

  /** The folder whose files are in place. */
  async #active(signal: AbortSignal): Promise<'a' | 'b'> {
    const { host, name } = this.#machineFiles;
    const bytes = await host.readFile(`${ACTIVE}${name}`, signal);
    return bytes !== undefined && new TextDecoder().decode(bytes) === 'b' ? 'b' : 'a';
  }

  get #reference(): string | undefined {
    const [first] = (this.#options.member.machine.spec['artifacts'] ?? []) as readonly {
      readonly name: string;
    }[];
    return first?.name;
  }

  async #program(signal: AbortSignal): Promise<HostArtifact | undefined> {
    const { artifacts, member } = this.#options;
    const reference = this.#reference;
    if (reference === undefined) return undefined;
    const { namespace = '' } = member.machine.metadata;
    const found = await artifacts.find(namespace, reference, signal);
    return 'pending' in found ? undefined : found;
  }

  /** `sha256:…`; undefined while nobody knows, or while the Artifact and the Cluster speak of two versions: both are changed, one by one. */
  async #wantedProgram(signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#program(signal);
    const { version } = this.#options.member;
    const isOther = found?.version !== undefined && !isSameVersion(found.version, version);
    return isOther ? undefined : found?.digest;
  }

  /** Undefined: an Artifact is not there yet. */
  async #files(signal: AbortSignal): Promise<readonly DeclaredFile[] | undefined> {
    const { artifacts, member } = this.#options;
    const { namespace = '' } = member.machine.metadata;
    const specs = (member.machine.spec['files'] ?? []) as readonly FileSpec[];
    try {
      const found = await declaredFiles(artifacts, namespace, specs, signal);
      return 'pending' in found ? undefined : found;
    } catch (error) {
      if (error instanceof ArtifactError) throw new HostCommandError(error.message);
      throw error;
    }
  }
}

function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
