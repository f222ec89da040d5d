// What calls of functions cost beside their arguments, and how large their results can be: upstream's numbers, of the language and of
// the functions that Kubernetes adds.
import {
  PER_CHARACTER,
  PER_PATTERN_CHARACTER,
  UNKNOWN,
  exactly,
  product,
  scaled,
  sum,
} from './range.ts';
import type { Range } from './range.ts';
import { sizeOf } from './term.ts';
import type { Term } from './term.ts';

export interface CallEstimate {
  readonly cost: Range;
  readonly size?: Range | undefined;
}

const ONE = exactly(1);
/** Two of them fit into an expression. */
const AUTHORIZATION = exactly(350_000);
const ADDRESS = { min: 4, max: 16 };
const FORMAT_PATTERN = 128;
const TEXTUAL: ReadonlySet<string> = new Set(['string', 'bytes']);

/** @param target what the function is called on; absent for one that stands alone or in a namespace (`ip.isCanonical`) */
export function callEstimate(
  name: string,
  target: Term | undefined,
  args: readonly Term[],
): CallEstimate {
  const [first, second] = args;
  const walked = (term: Term | undefined, factor = 1): Range =>
    term === undefined ? ONE : scaled(sizeOf(term), factor * PER_CHARACTER);
  switch (name) {
    case 'check':
      return { cost: AUTHORIZATION };
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'indexOf':
    case 'lastIndexOf':
      return { cost: target === undefined ? ONE : searched(target) };
    case 'url':
      return { cost: walked(first), size: first && sizeOf(first) };
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      return { cost: walked(target), size: target && sizeOf(target) };
    case 'replace':
      return target === undefined || first === undefined || second === undefined
        ? { cost: ONE }
        : {
            cost: walked(target, 2),
            size: replaced(sizeOf(target), sizeOf(first), sizeOf(second)),
          };
    case 'split':
      return {
        cost: walked(target, 2),
        size: {
          min: 0,
          max: second?.whole ?? (target === undefined ? Infinity : sizeOf(target).max),
        },
      };
    case 'join':
      return target === undefined ? { cost: ONE } : joined(target, first);
    case 'matches':
    case 'find':
    case 'findAll':
      return target === undefined || first === undefined
        ? { cost: ONE }
        : searchedBy(name, target, first);
    case 'contains':
      return target === undefined
        ? { cost: ONE }
        : { cost: product(walked(target), walked(first)) };
    case 'startsWith':
    case 'endsWith':
    case 'cidr':
    case 'isIP':
    case 'isCIDR':
    case 'quantity':
    case 'isQuantity':
    case 'semver':
    case 'isSemver':
      return { cost: walked(first) };
    case 'ip':
      return { cost: first === undefined ? ONE : walked(first) };
    case 'ip.isCanonical':
      return { cost: walked(first, 2) };
    case 'format':
      return { cost: walked(target) };
    case 'containsIP':
      return { cost: sum(scaled(sum(ADDRESS, ADDRESS), PER_CHARACTER), parsed(first)) };
    case 'containsCIDR':
      return {
        cost: sum(
          scaled(sum(ADDRESS, ADDRESS), PER_CHARACTER),
          scaled(ADDRESS, PER_CHARACTER),
          ONE,
          parsed(first),
        ),
      };
    case 'validate':
      return { cost: scaled(walked(first), FORMAT_PATTERN * PER_PATTERN_CHARACTER) };
    case 'strings.quote':
      return first === undefined
        ? { cost: ONE }
        : {
            cost: walked(first),
            size: { min: sizeOf(first).min + 2, max: sizeOf(first).max * 2 + 2 },
          };
    case 'bytes':
      return mayBe('string', first)
        ? { cost: walked(first), size: { min: sizeOf(first).min, max: sizeOf(first).max * 4 } }
        : { cost: ONE };
    case 'string':
      return mayBe('bytes', first)
        ? {
            cost: walked(first),
            size: { min: Math.floor(sizeOf(first).min / 4), max: sizeOf(first).max },
          }
        : { cost: ONE };
    default:
      return { cost: ONE };
  }
}

function mayBe(kind: string, term: Term | undefined): term is Term {
  return term !== undefined && (term.kind === kind || term.kind === 'dyn');
}

/** What is a text must be read first. */
function parsed(term: Term | undefined): Range {
  return term?.kind === 'string' ? scaled(sizeOf(term), PER_CHARACTER) : exactly(0);
}

/** Each item of a list is looked at, or each character of a text. */
function searched(target: Term): Range {
  if (target.kind !== 'list') return scaled(sizeOf(target), PER_CHARACTER);
  return product(
    sizeOf(target),
    sum(
      ONE,
      TEXTUAL.has(target.itemKind ?? '') ? scaled(itemSize(target), PER_CHARACTER) : exactly(0),
    ),
  );
}

/** Of an item of a list that is a part of self. */
function itemSize({ schema }: Term): Range {
  const items = schema?.items;
  return items === undefined ? UNKNOWN : sizeOf({ cost: ONE, kind: '', schema: items });
}

function searchedBy(name: string, target: Term, pattern: Term): CallEstimate {
  const text = scaled(sum(sizeOf(target), ONE), PER_CHARACTER);
  const cost = product(text, scaled(sizeOf(pattern), PER_PATTERN_CHARACTER));
  return name === 'matches' ? { cost } : { cost, size: { min: 0, max: sizeOf(target).max } };
}

function joined(target: Term, separator: Term | undefined): CallEstimate {
  const items = sizeOf(target);
  let size = target.kind === 'list' ? product(items, itemSize(target)) : exactly(0);
  if (separator !== undefined) {
    const between = { min: Math.max(items.min - 1, 0), max: Math.max(items.max - 1, 0) };
    size = sum(size, product(sizeOf(separator), between));
  }
  return { cost: scaled(size, PER_CHARACTER), size };
}

/** Of a text, the part that is replaced and what comes in its place. */
function replaced(text: Range, part: Range, by: Range): Range {
  const most =
    part.min === 0
      ? { count: text.max + 1, kept: text.max }
      : by.max <= part.min
        ? { count: 0, kept: text.max }
        : { count: Math.ceil(text.max / part.min), kept: 0 };
  const least =
    part.max === 0
      ? { count: text.min + 1, kept: text.min }
      : part.max <= by.min
        ? { count: 0, kept: text.min }
        : { count: Math.ceil(text.min / part.max), kept: 0 };
  return sum(product({ min: least.count, max: most.count }, by), {
    min: least.kept,
    max: most.kept,
  });
}
