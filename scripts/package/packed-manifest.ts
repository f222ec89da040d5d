// package.json of the package that users install, from that of the checkout: JavaScript and types where there is TypeScript, and
// nothing that only developers need. Pure.
import { javaScriptName } from './compiled-text.ts';

/** What is read of package.json; all other fields pass through. */
export interface Manifest {
  readonly version: string;
  readonly private?: boolean;
  readonly scripts?: unknown;
  readonly devDependencies?: unknown;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** An entry of `exports` for TypeScript and for Node. */
interface PackedExport {
  readonly types: string;
  readonly default: string;
}

/** The manifest of the package, without scripts: installing it runs nothing. */
export function packedManifest(source: Manifest): Readonly<Record<string, unknown>> {
  const { private: _private, scripts: _scripts, devDependencies: _dev, ...kept } = source;
  return {
    ...kept,
    imports: Object.fromEntries(
      Object.entries(source.imports).filter(([name]) => !name.startsWith('#test/')),
    ),
    types: packedExport(source.exports['.'] ?? '').types,
    exports: Object.fromEntries(
      Object.entries(source.exports).map(([name, target]) => [
        name,
        target.endsWith('.ts') ? packedExport(target) : target,
      ]),
    ),
  };
}

function packedExport(target: string): PackedExport {
  const script = javaScriptName(target);
  return { types: script.replace(/\.js$/, '.d.ts'), default: script };
}
