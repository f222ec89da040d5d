// The package as `npm run pack` makes it.
import { join } from 'node:path';
import { outputOf } from './command.ts';
import type { PackedPackage } from './package-registry.ts';
import { projectRoot } from './windlass.ts';

/** Compiling and packing some thousand files takes a while where others want the disk and the processors too. */
const PATIENCE_MS = 400_000;

/** @param folder where `windlass-VERSION.tgz` is put */
export async function packWindlass(folder: string): Promise<PackedPackage> {
  const pack = ['run', '--silent', 'pack', '--', '--silent', '--pack-destination', folder];
  const printed = await outputOf('npm', pack, { cwd: projectRoot, timeoutMs: PATIENCE_MS });
  const archive = join(folder, printed.trim().split('\n').at(-1) ?? '');
  const text = await outputOf('tar', ['-xzOf', archive, 'package/package.json']);
  return { manifest: JSON.parse(text) as object, archive };
}
