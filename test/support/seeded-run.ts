// Loaded before the tests of a whole run (`--import`): what is left to chance comes out the same in each run, so that a change is not
// blamed for what chance finds. `npm run torture -- --only properties` looks at other seeds.
import fc from 'fast-check';
import { seededRandom } from './seed.ts';

process.env['WINDLASS_TEST_SEED'] ??= '1';
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seededRandom().seed });
