// Facts from what the script on the host printed.
import type { HostFacts } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';
import { goArchitecture, parseOsRelease } from '../parse-facts.ts';

/** @throws HostCommandError where the host did not say what any host says */
export function parseFacts(text: string, host: string): HostFacts {
  const all = (name: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}=`))
      .map((line) => line.slice(name.length + 1).trim());
  const one = (name: string): string => all(name)[0] ?? '';
  const seconds = Number(one('seconds'));
  if (one('os') === '' || one('arch') === '' || !Number.isFinite(seconds) || seconds <= 0)
    throw new HostCommandError(`${host}: does not say what it is; are uname and date there?`);
  // Where date knows no milliseconds it prints something else.
  const clockMillis = /^\d{13}$/.test(one('clock')) ? Number(one('clock')) : seconds * 1000;
  return {
    os: one('os') === 'Linux' ? 'linux' : 'windows',
    arch: goArchitecture(one('arch')),
    distribution: parseOsRelease(all('release').join('\n')),
    hostname: one('hostname'),
    kernel: one('kernel'),
    machineId: one('machine'),
    clockMillis,
    isPrivileged: one('uid') === '0',
    addresses: all('address').filter((address) => address !== ''),
    hasSystemd: one('systemd') === 'yes',
  };
}
