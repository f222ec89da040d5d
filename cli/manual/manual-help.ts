// Usage and summary of the commands that explain the others.
import type { CommandHelp } from '../help.ts';

export const manualHelp = {
  completion: {
    usage: 'completion bash|zsh|fish',
    summary: 'Print what makes a shell complete the commands and flags of windlass',
    description: [
      'bash:  source <(windlass completion bash)',
      'zsh:   windlass completion zsh >"${fpath[1]}/_windlass"',
      'fish:  windlass completion fish >~/.config/fish/completions/windlass.fish',
    ].join('\n'),
  },
  man: {
    usage: 'man [COMMAND…]',
    summary: 'Print the manual page of windlass, or of a command, for man',
    description:
      'Read it with: windlass man node join | man -l -\n--output-dir writes all of them, for packages.',
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;
