// The CustomResourceDefinitions of our own kinds, as `kubectl apply -f deploy/crds` would install them elsewhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function ownKinds(): readonly unknown[] {
  const file = join(import.meta.dirname, '..', 'deploy', 'crds.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly items: readonly unknown[] }).items;
}
