// Facts of a host from the texts that it gives.

/** As Go spells it, from `uname -m` or Node's word; an unknown one as it is. */
export function goArchitecture(machine: string): string {
  const known: Readonly<Record<string, string>> = {
    x86_64: 'amd64',
    x64: 'amd64',
    aarch64: 'arm64',
    armv7l: 'arm',
    armv6l: 'arm',
    i686: '386',
    i386: '386',
    ia32: '386',
  };
  return Object.hasOwn(known, machine) ? (known[machine] ?? machine) : machine;
}

/** `ID` and `VERSION_ID`; empty where there is none. */
export function parseOsRelease(text: string): { readonly id: string; readonly version: string } {
  const value = (name: string): string =>
    new RegExp(`^${name}=(["']?)(.*)\\1\\s*$`, 'm').exec(text)?.[2] ?? '';
  return { id: value('ID'), version: value('VERSION_ID') };
}
