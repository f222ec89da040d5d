// `npm run guides [PAGE …]`: types what the guides tell their readers to type, page by page, each against a server of its own. Pages
// are README.md and those of docs/ unless some are named. Not a suite yet: on a busy machine a page takes minutes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guideBlocks } from '../support/guide-blocks.ts';
import { GuideRunner } from '../support/guide-runner.ts';
import { tempDir } from '../support/temp-dir.ts';
import { projectRoot } from '../support/windlass.ts';

/** Forms of commands, made from the code. */
const REFERENCE = 'docs/commands.md';

const asked = process.argv.slice(2);
const all = ['README.md', ...readdirSync(join(projectRoot, 'docs')).map((name) => `docs/${name}`)];
const pages = all.filter((name) => name.endsWith('.md') && name !== REFERENCE);
const unknown = asked.find((name) => !pages.includes(name));
if (unknown !== undefined) {
  console.error(`Unknown page ${unknown}: name it as docs/access.md`);
  process.exit(2);
}

for (const name of asked.length > 0 ? asked : pages) {
  const blocks = guideBlocks(readFileSync(join(projectRoot, name), 'utf8'));
  for (const { line, skip } of blocks)
    if (skip !== undefined) console.log(`not typed ${name}:${line}: ${skip}`);
  const typed = blocks.filter(({ skip }) => skip === undefined);
  if (typed.length === 0) continue;
  const runner = await GuideRunner.in(tempDir());
  try {
    for (const block of typed) {
      await runner.run(block).catch((error: unknown) => {
        throw new Error(`${name}:${block.line}: ${(error as Error).message}`);
      });
    }
    console.log(`ok ${name}: ${typed.length} blocks`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`FAILED ${(error as Error).message}`);
  } finally {
    await runner.close();
  }
}
