// What the browser gets, made of what is in assets/: modules without their types, packages at addresses of ours, and a page that names all
// modules, so that they are fetched side by side and not one behind the other.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

export interface BuiltFile {
  readonly name: string;
  readonly contentType: string;
  readonly etag: string;
  readonly identity: Uint8Array;
  readonly gzip: Uint8Array;
  readonly brotli: Uint8Array;
}

/** Where the files are. */
export const CONSOLE_PATH = '/console';

/** Package → the file of it that a browser can load as it is, and the name we give that. */
const PACKAGES: Readonly<Record<string, { readonly file: string; readonly as: string }>> = {
  preact: { file: 'dist/preact.module.js', as: 'preact.js' },
  'preact/hooks': { file: 'hooks/dist/hooks.module.js', as: 'preact-hooks.js' },
};

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
};

/** Modules of ours that both halves use; they import nothing but each other. */
const SHARED: Readonly<Record<string, string>> = {
  '#platform/drain-verdict.ts': '../../platform/drain-verdict.ts',
  // drain-verdict.ts imports it as its neighbour, which it is in the browser too.
  '#platform/pod-placement.ts': '../../platform/pod-placement.ts',
  '#platform/terminal-text.ts': '../../platform/terminal-text.ts',
  '#platform/unified-diff.ts': '../../platform/unified-diff.ts',
};

/** What a page of ours looks like before its modules are named in it. */
const MODULES = '<!-- modules -->';

export function buildFiles(folder: string): readonly BuiltFile[] {
  const names = readdirSync(folder)
    .filter((name) => Object.hasOwn(CONTENT_TYPES, path.extname(name)))
    .filter((name) => !/\.test\.[jt]s$|\.d\.ts$/.test(name))
    .toSorted();
  const texts = new Map(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
  const root = path.dirname(createRequire(import.meta.url).resolve('preact/package.json'));
  for (const { file, as } of Object.values(PACKAGES))
    texts.set(as, withoutSourceMap(readFileSync(path.join(root, file), 'utf8')));
  for (const place of Object.values(SHARED)) {
    const file = new URL(place, import.meta.url);
    texts.set(path.basename(place), readFileSync(file, 'utf8'));
  }
  const modules = [...texts.keys()].filter((name) => /\.[jt]s$/.test(name));
  return [...texts].map(([name, text]) => built(name, contentOf(name, text, modules)));
}

function contentOf(name: string, text: string, modules: readonly string[]): string {
  if (name.endsWith('.ts'))
    return withAddresses(withoutBlanks(stripTypeScriptTypes(text, { mode: 'strip' })));
  if (name.endsWith('.js')) return withAddresses(text);
  if (!name.endsWith('.html')) return text;
  const links = modules.map((module) => `<link rel="modulepreload" href="${address(module)}" />`);
  const main = modules.find((module) => /^main\.[jt]s$/.test(module)) ?? 'main.ts';
  return text.replace(
    MODULES,
    [...links, `<script type="module" src="${address(main)}"></script>`].join('\n    '),
  );
}

function address(name: string): string {
  return `${CONSOLE_PATH}/${name}`;
}

/** `from 'preact'` → `from '/console/preact.js'`. */
function withAddresses(text: string): string {
  return text.replaceAll(/\bfrom\s*(["'])([\w/#.-]+)\1/g, (whole, quote: string, name: string) => {
    const known = Object.hasOwn(PACKAGES, name) ? PACKAGES[name]?.as : undefined;
    const shared = Object.hasOwn(SHARED, name) ? path.basename(name) : undefined;
    const found = known ?? shared;
    return found === undefined ? whole : `from ${quote}${address(found)}${quote}`;
  });
}

/** Types leave white space behind where they were. Lines stay, so that a browser's stack names them. */
function withoutBlanks(text: string): string {
  return text.replaceAll(/[ \t]+$/gm, '');
}

function withoutSourceMap(text: string): string {
  return text.replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '\n');
}

function built(name: string, text: string): BuiltFile {
  const identity = Buffer.from(text);
  const digest = createHash('sha256').update(identity).digest('base64url').slice(0, 22);
  return {
    name: name === 'page.html' ? '' : name,
    contentType: CONTENT_TYPES[path.extname(name)] ?? 'application/octet-stream',
    etag: `W/"${digest}"`,
    identity,
    gzip: gzipSync(identity, { level: constants.Z_BEST_COMPRESSION }),
    brotli: brotliCompressSync(identity, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: identity.length },
    }),
  };
}
