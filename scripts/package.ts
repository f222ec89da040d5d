// `npm run pack`: makes the package that users install, windlass-VERSION.tgz, in the folder where it was called.
// npm's own `prepack` cannot do it: installs in a checkout must run no scripts of dependencies (.npmrc), and then npm runs ours neither.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from './package/build-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'windlass-pack-'));
try {
  await buildPackage(join(import.meta.dirname, '..'), folder);
  execFileSync('npm', ['pack', folder, ...process.argv.slice(2)], { stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
