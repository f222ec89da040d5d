// Which devices of a host its machines get: KVM, and GPUs with the libraries of their driver. Reads, changes nothing.
import type { HostDriver } from '../hosts/host-driver.ts';

export interface Gpu {
  /** `/dev/nvidia0`, `/dev/nvidiactl` … */
  readonly devices: readonly string[];
  /** Folders of the driver's libraries on the host, one per place, in order. */
  readonly libraryFolders: readonly string[];
}

export interface Devices {
  readonly gpu: Gpu;
  /** `/dev/kvm` where there is one. */
  readonly kvm: readonly string[];
}

export const NO_DEVICES: Devices = { gpu: { devices: [], libraryFolders: [] }, kvm: [] };

const GPU_DEVICE = /^nvidia(\d+|ctl|-uvm|-uvm-tools|-modeset)$/;

export async function findDevices(host: HostDriver, signal: AbortSignal): Promise<Devices> {
  const names = (await host.list('/dev', signal)) ?? [];
  const devices = names.filter((name) => GPU_DEVICE.test(name)).map((name) => `/dev/${name}`);
  const hasGpu = names.some((name) => /^nvidia\d+$/.test(name));
  const kvm = names.includes('kvm') ? ['/dev/kvm'] : [];
  if (!hasGpu) return { gpu: NO_DEVICES.gpu, kvm };
  const { arch } = await host.facts(signal);
  const { stdout } = await host.exec(['ldconfig', '-p'], { signal, timeoutMs: 10_000 });
  const libraries = nvidiaLibraries(stdout, arch);
  const folders = libraries.map((path) => path.slice(0, path.lastIndexOf('/')));
  return { gpu: { devices, libraryFolders: [...new Set(folders)].toSorted() }, kvm };
}

/** Paths of the driver's libraries for an architecture in what `ldconfig -p` says, one for each name: the first. */
export function nvidiaLibraries(text: string, architecture: string): readonly string[] {
  const word = architecture === 'arm64' ? 'AArch64' : 'x86-64';
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*(lib(?:nvidia|cuda|nvcuvid)[\w.-]*\.so[\w.]*) \(([^)]*)\) => (\/\S+)$/.exec(
      line,
    );
    if (match === null) continue;
    const [, name = '', kind = '', path = ''] = match;
    if (kind.split(',').some((part) => part.trim() === word) && !found.has(name))
      found.set(name, path);
  }
  return [...found.values()];
}
