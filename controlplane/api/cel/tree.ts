// Walks the library's syntax trees.
import type { ASTNode } from '@marcbachmann/cel-js';

/** The nodes directly below, as written: macros are calls here. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** Whether the expression mentions a name: a variable of that name, mostly. */
export function mentions(node: ASTNode, name: string): boolean {
  if (node.op === 'id' && node.args === name) return true;
  return childrenOf(node).some((child) => mentions(child, name));
}
