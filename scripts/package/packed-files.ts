// Which files of the checkout users get.

/** Folders with code; what of them runs is packed. */
const CODE_FOLDERS = ['cli', 'platform', 'persistence', 'controlplane', 'controllers'];

export const PACKED_FOLDERS: readonly string[] = [...CODE_FOLDERS, 'deploy', 'docs'];
export const PACKED_FILES: readonly string[] = [
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
];

const FOR_TESTS = /\.test(-support)?\.ts$|-fixture\.ts$|\/(fixtures|golden)\//;
/** State of a server that was started there. */
const HIDDEN = /(^|\/)\./;

/** TypeScript that is compiled. */
export function isSource(path: string): boolean {
  return isCode(path) && path.endsWith('.ts') && !FOR_TESTS.test(path);
}

/** Files that are packed as they are. */
export function isCopied(path: string): boolean {
  if (HIDDEN.test(path) || FOR_TESTS.test(path)) return false;
  return !isCode(path) || !path.endsWith('.ts');
}

function isCode(path: string): boolean {
  return CODE_FOLDERS.some((folder) => path.startsWith(`${folder}/`));
}
