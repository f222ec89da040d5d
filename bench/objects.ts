// The objects that benchmarks write.

const value = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(50);

/** A ConfigMap of about 2 KiB in JSON, with a few labels as real ones have. */
export function configMap(name: string, generation = 0): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { app: 'bench', 'bench.windlass.dev/generation': `g${generation}` } },
    data: { 'a.properties': value.slice(0, 900), 'b.properties': value.slice(0, 880) },
  });
}
