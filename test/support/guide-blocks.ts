// What a page of the documentation tells its reader to type, and what test/support/guide-runner.ts is told about it in comments that
// no reader sees (CONTRIBUTING.md, "Commands in guides").

/** A block of code of a page that is typed into a shell, or a file that later blocks use. */
export interface GuideBlock {
  /** Of the page, from 1. */
  readonly line: number;
  /** The commands; the content of the file where there is `file`. */
  readonly script: string;
  /** Lines that the page says are printed, in order. */
  readonly prints: readonly string[];
  /** Why nothing runs it. */
  readonly skip?: string;
  /** What must have happened before: commands that the page leaves to its reader. */
  readonly first: readonly string[];
  /** What stands for something that is not here, and what is here instead. */
  readonly replace: readonly (readonly [string, string])[];
  /** It does not end by itself: it is ended when it has printed this. */
  readonly until?: string;
  /** It ends with another exit code than 0. */
  readonly fails: boolean;
  /** Not commands: the content of a file of this name. */
  readonly file?: string;
}

/** A line of code that is a command, if blocks are not marked as `sh` or `console`. */
const COMMAND =
  /^(?:\$ |(?:kubectl|windlass|npx|npm|openssl|curl|sudo|export|docker|systemctl|systemd-analyze|journalctl|ssh|jq|source|install|cp|mkdir|cat|echo|while|for|git|go|helm|kustomize)\s)/;

/** @throws Error on a directive that is none, or that stands before nothing */
export function guideBlocks(page: string): readonly GuideBlock[] {
  const lines = page.split('\n');
  const blocks: GuideBlock[] = [];
  let directives: string[] = [];
  let index = 0;
  while (index < lines.length) {
    const line = lines[index] ?? '';
    const comment = /^<!-- run: (.*)$/.exec(line);
    const fence = /^```(\w*)/.exec(line);
    if (comment !== null) {
      const end = lines.findIndex((one, at) => at >= index && one.includes('-->'));
      const text = [comment[1], ...lines.slice(index + 1, end + 1)].join('\n');
      directives.push(text.slice(0, text.indexOf('-->')).trim());
      index = end + 1;
      continue;
    }
    let code: string[] | undefined;
    const start = index;
    if (fence !== null) {
      const end = lines.findIndex((one, at) => at > index && one.startsWith('```'));
      code = lines.slice(index + 1, end);
      index = end + 1;
    } else if (line.startsWith('    ') && (lines[index - 1] ?? '') === '') {
      let end = index;
      while (lines[end]?.startsWith('    ') === true || continuesAt(lines, end)) end += 1;
      code = lines.slice(index, end).map((one) => one.slice(4));
      index = end;
    } else {
      if (line.trim() !== '' && directives.length > 0)
        throw new Error(`line ${start + 1}: no code after <!-- run: ${directives[0] ?? ''} -->`);
      index += 1;
      continue;
    }
    const isShell = /^(?:sh|bash|console)$/.test(fence?.[1] ?? '');
    const isMarked = fence !== null && fence[1] !== '';
    const isCommand = isShell || (!isMarked && COMMAND.test(code[0] ?? ''));
    if (isCommand || directives.length > 0) blocks.push(blockOf(start + 1, code, directives));
    directives = [];
  }
  if (directives.length > 0) throw new Error(`no code after <!-- run: ${directives[0] ?? ''} -->`);
  return blocks;
}

/** An empty line within indented code. */
function continuesAt(lines: readonly string[], at: number): boolean {
  return lines[at] === '' && lines[at + 1]?.startsWith('    ') === true;
}

function blockOf(line: number, code: readonly string[], directives: readonly string[]): GuideBlock {
  let block: GuideBlock = { line, ...commandsOf(code), first: [], replace: [], fails: false };
  for (const directive of directives) {
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(directive) ?? [];
    if (word === 'skip' && rest !== '') block = { ...block, skip: rest };
    else if (word === 'first') block = { ...block, first: [...block.first, rest] };
    else if (word === 'with') block = { ...block, replace: [...block.replace, pairOf(line, rest)] };
    else if (word === 'until') block = { ...block, until: rest };
    // The commands run, and what the page shows is one case of several.
    else if (word === 'prints' && rest.startsWith('otherwise ')) block = { ...block, prints: [] };
    else if (word === 'fails') block = { ...block, fails: true };
    else if (word === 'file')
      block = { ...block, file: rest, script: `${code.join('\n')}\n`, prints: [] };
    else throw new Error(`line ${line}: <!-- run: ${directive} --> says nothing that is known`);
  }
  return block;
}

/** With `$ ` before commands, everything else is what they print. */
function commandsOf(code: readonly string[]): Pick<GuideBlock, 'script' | 'prints'> {
  if (!code.some((line) => line.startsWith('$ '))) return { script: code.join('\n'), prints: [] };
  const script: string[] = [];
  const prints: string[] = [];
  let goesOn = false;
  for (const line of code) {
    const isCommand: boolean = goesOn || line.startsWith('$ ');
    if (isCommand) script.push(goesOn ? line : line.slice(2));
    else if (line.trim() !== '') prints.push(line);
    goesOn = isCommand && line.endsWith('\\');
  }
  return { script: script.join('\n'), prints };
}

function pairOf(line: number, text: string): readonly [string, string] {
  const [, from, to] = /^(.+?) as (.+)$/s.exec(text) ?? [];
  if (from === undefined || to === undefined)
    throw new Error(`line ${line}: <!-- run: with ${text} --> is not WHAT as WHAT`);
  return [from, to];
}

/** Of `prints`, the first line that is not in `output` after those before it; undefined when all are. */
export function notPrinted(prints: readonly string[], output: string): string | undefined {
  const lines = output.split('\n');
  let at = 0;
  for (const expected of prints) {
    const pattern = likeLine(expected);
    while (at < lines.length && !pattern.test(lines[at] ?? '')) at += 1;
    if (at === lines.length) return expected;
    at += 1;
  }
  return undefined;
}

/** Loosely: `…` is anything, a number any number, a made name any made name, blanks any blanks. */
function likeLine(expected: string): RegExp {
  const tokens = expected.trim().split(/\s+/).map(likeToken);
  return new RegExp(tokens.join('\\s+'));
}

function likeToken(token: string): string {
  if (/^\d[\d.]*(?:ms|s|m|h|d)$/.test(token)) return String.raw`\d\S*`;
  return token
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-[a-z0-9]{5}')
    .replaceAll(/-[0-9a-f]{8}\b/g, '-[0-9a-f]{8}')
    .replaceAll(/(?<![-{a-z0-9])\d+(?![}a-z0-9])/g, String.raw`\d+`)
    .replaceAll(/(?:\/[\w\\.-]+)*\/(?:home|var|mnt)\/[^\s,;]+/g, String.raw`[^\s,;]+`)
    .replaceAll('…', '.*');
}
