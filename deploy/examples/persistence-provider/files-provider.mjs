// A persistence provider of your own: each object is a file in a folder. It has the seven verbs that every provider needs, and so
// can be a replica: windlass up --persistence sqlite:state.db --persistence 'module:files-provider.mjs?folder=/mnt/copy'
// The types are in windlass/persistence/provider; secrets arrive sealed.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UnknownInstanceError } from 'windlass/persistence/errors';

/** @param {Readonly<Record<string, string>>} options what follows the question mark */
export function createProvider({ folder }) {
  if (folder === undefined) throw new Error('folder is missing: module:PATH?folder=FOLDER');
  return new FilesProvider(resolve(folder));
}

class FilesProvider {
  #folder;
  #name;
  #isUp = false;
  /** Seconds, of the writes lately: each counts a tenth. */
  #meanPersistLatency = 0;
  #writes = 0;

  constructor(folder) {
    this.#folder = folder;
    // The configuration says which instance it is: the same folder, the same name.
    this.#name = `files-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`;
  }

  /** Fails: the instance is Down, and this is called again later. */
  async initialize() {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#isUp = true;
  }

  instances() {
    return [this.#name];
  }

  instanceStatus(instance) {
    if (instance !== this.#name) return { exists: false, status: false, meanPersistLatency: 0 };
    return { exists: true, status: this.#isUp, meanPersistLatency: this.#meanPersistLatency };
  }

  /** Durable when it resolves. */
  async putObject(instance, { kind, key, value }) {
    const folder = this.#folderOf(instance, kind);
    const started = performance.now();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    this.#writes += 1;
    const temporary = join(folder, `.${this.#writes}.new`);
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(value);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, nameOf(key)));
    await syncFolder(folder);
    const seconds = (performance.now() - started) / 1000;
    const mean = this.#meanPersistLatency;
    this.#meanPersistLatency = mean === 0 ? seconds : mean * 0.9 + seconds * 0.1;
    return key;
  }

  async deleteObject(instance, kind, key) {
    const folder = this.#folderOf(instance, kind);
    await rm(join(folder, nameOf(key)), { force: true });
    await syncFolder(folder).catch(ignoreAbsent);
  }

  async getObject(instance, kind, key) {
    const path = join(this.#folderOf(instance, kind), nameOf(key));
    const value = await readFile(path).catch(ignoreAbsent);
    return value === undefined ? undefined : { kind, key, value };
  }

  async getAllObjects(instance, kind) {
    const folder = this.#folderOf(instance, kind);
    const names = (await readdir(folder).catch(ignoreAbsent)) ?? [];
    return Promise.all(
      names
        .filter((name) => !name.startsWith('.'))
        .map(async (name) => ({
          kind,
          key: decodeURIComponent(name.slice(1)),
          value: await readFile(join(folder, name)),
        })),
    );
  }

  #folderOf(instance, kind) {
    if (instance !== this.#name) throw new UnknownInstanceError(instance, [this.#name]);
    return join(this.#folder, nameOf(kind));
  }
}

/** No slash, no dot in front: nothing gets out of its folder. */
function nameOf(text) {
  return `=${encodeURIComponent(text)}`;
}

async function syncFolder(folder) {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreAbsent(error) {
  if (error.code !== 'ENOENT') throw error;
}
