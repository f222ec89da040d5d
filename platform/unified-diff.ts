// The unified form of the difference of two texts, by the shortest edit script (E. W. Myers, 1986). Pure.

/** Lines around a change. */
const CONTEXT = 3;

type Edit = { readonly kind: ' ' | '-' | '+'; readonly line: string };

/** '' when they are equal. @param label what both are, for the head */
export function unifiedDiff(label: string, before: string, after: string): string {
  const edits = editScript(linesOf(before), linesOf(after));
  const hunks = hunksOf(edits);
  if (hunks.length === 0) return '';
  return [`--- live/${label}`, `+++ file/${label}`, ...hunks, ''].join('\n');
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function editScript(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start])
    start += 1;
  let end = 0;
  const room = Math.min(before.length, after.length) - start;
  while (end < room && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const keep = (line: string): Edit => ({ kind: ' ', line });
  return [
    ...before.slice(0, start).map(keep),
    ...shortestScript(
      before.slice(start, before.length - end),
      after.slice(start, after.length - end),
    ),
    ...before.slice(before.length - end).map(keep),
  ];
}

/** `furthest` holds for each diagonal x - y how far down `before` one can come with so many edits. */
function shortestScript(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const trace: ReadonlyMap<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; ; edits += 1) {
    trace.push(new Map(furthest));
    const next = new Map(furthest);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = startOf(furthest, diagonal, edits);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal])
        x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length)
        return backtrack(trace, before, after);
    }
    furthest = next;
  }
}

/** Where a path on this diagonal begins: one step down from the diagonal above, or one right from the one below. */
function startOf(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): number {
  const above = furthest.get(diagonal + 1) ?? -1;
  const below = furthest.get(diagonal - 1) ?? -1;
  return isDown(diagonal, edits, below, above) ? above : below + 1;
}

function isDown(diagonal: number, edits: number, below: number, above: number): boolean {
  return diagonal === -edits || (diagonal !== edits && below < above);
}

function backtrack(
  trace: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
): readonly Edit[] {
  const script: Edit[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const furthest = trace[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const above = furthest.get(diagonal + 1) ?? -1;
    const below = furthest.get(diagonal - 1) ?? -1;
    const down = isDown(diagonal, edits, below, above);
    const previousX = down ? above : below;
    const previousY = previousX - (down ? diagonal + 1 : diagonal - 1);
    while (x > previousX && y > previousY && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      script.push({ kind: ' ', line: before[x] ?? '' });
    }
    if (edits === 0) break;
    if (down) {
      y -= 1;
      script.push({ kind: '+', line: after[y] ?? '' });
    } else {
      x -= 1;
      script.push({ kind: '-', line: before[x] ?? '' });
    }
  }
  return script.toReversed();
}

function hunksOf(edits: readonly Edit[]): readonly string[] {
  const changed = edits.flatMap(({ kind }, index) => (kind === ' ' ? [] : [index]));
  const ranges: { from: number; to: number }[] = [];
  for (const index of changed) {
    const last = ranges.at(-1);
    if (last !== undefined && index - CONTEXT <= last.to) last.to = index + CONTEXT + 1;
    else ranges.push({ from: Math.max(0, index - CONTEXT), to: index + CONTEXT + 1 });
  }
  return ranges.map(({ from, to }) => {
    const count = (part: readonly Edit[], other: '+' | '-'): number =>
      part.filter(({ kind }) => kind !== other).length;
    const head = edits.slice(0, from);
    const body = edits.slice(from, to);
    const span = (other: '+' | '-'): string => {
      const lines = count(body, other);
      // Of no lines, the one before is named.
      return `${count(head, other) + (lines === 0 ? 0 : 1)},${lines}`;
    };
    return [
      `@@ -${span('+')} +${span('-')} @@`,
      ...body.map(({ kind, line }) => `${kind}${line}`),
    ].join('\n');
  });
}
