// What reaches around all arguments (time, chance, the process), and the few places that may.

/** Code that only one place may hold, so that tests can put something else there. */
export const GLOBALS: readonly {
  readonly pattern: RegExp;
  readonly homes: readonly string[];
  readonly instead: string;
}[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)|(?<![.\w])(setTimeout|setInterval)\(/,
    homes: [
      'platform/clock.ts',
      'cli/run-until-stopped.ts',
      'controlplane/console/assets/browser-clock.ts',
    ],
    instead: 'take a Clock (platform/clock.ts)',
  },
  {
    pattern: /\bMath\.random\b/,
    homes: ['cli/', 'controllers/start.ts', 'controllers/agent/start.ts'],
    instead: 'take a random source from whoever composes',
  },
  {
    pattern: /\brandomUUID\b/,
    homes: ['platform/id.ts'],
    instead: 'take an IdSource (platform/id.ts)',
  },
  {
    pattern: /\bprocess\.(env\b|exit\b(?!Code)|on\(|once\()/,
    homes: ['cli/'],
    instead: 'only cli/ knows its process; take it as an option',
  },
];
