// The thread that makes the files of the console ready, hands them over and ends.
import { fileURLToPath } from 'node:url';
import { parentPort } from 'node:worker_threads';

import { buildFiles } from './build-files.ts';

parentPort?.postMessage(buildFiles(fileURLToPath(new URL('assets', import.meta.url))));
