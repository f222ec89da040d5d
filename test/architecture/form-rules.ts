// What a file may look like, whatever it is about.
import type { SourceFile } from './imports.ts';

const LONGEST_FILE = 400;
const BANNED_FOLDER = /(^|\/)(utils?|helpers?|types|interfaces|common|misc)\//;

export function formViolations(file: SourceFile): readonly string[] {
  const lines = file.text.split('\n').length - 1;
  const isGenerated = /(^|\/)generated\/|\.generated\.ts$/.test(file.path);
  return [
    ...(lines > LONGEST_FILE && !isGenerated
      ? [`${file.path}:${LONGEST_FILE}: ${lines} lines; split it, ${LONGEST_FILE} is the most`]
      : []),
    ...(file.path.endsWith('/index.ts') ? [`${file.path}:1: no barrels: import the file`] : []),
    ...(BANNED_FOLDER.test(file.path) ? [`${file.path}:1: folders are named for subjects`] : []),
    // node:test insists on the default export of a reporter.
    ...(/^export default\b/m.test(file.text) && !file.path.endsWith('-reporter.ts')
      ? [`${file.path}:1: named exports only`]
      : []),
    // Files of a suite share a process: outside of any suite a hook runs for the tests of all files.
    ...(file.path.endsWith('.test.ts') && /^(?:beforeEach|afterEach)\(/m.test(file.text)
      ? [`${file.path}:1: beforeEach and afterEach belong into a describe()`]
      : []),
  ];
}
