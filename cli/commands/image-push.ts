// `windlass image push IMAGE`: from the Docker Engine of this machine to those of the others, without a registry.
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import {
  ImageReferenceError,
  parseImageReference,
} from '#controllers/machinery/image-reference.ts';
import { ONE, parseQuantity } from '#controllers/machinery/quantity.ts';
import { NODES } from '#controllers/machinery/resources.ts';
import { LocalEngine, LocalImageError } from '#controllers/runtimes/docker-local-image.ts';
import type { LocalImage } from '#controllers/runtimes/docker-local-image.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, withClient } from '../connect.ts';
import { pushToAll } from '../image/push-to-all.ts';
import { sizeText } from '../image/size-text.ts';
import { targetNodes } from '../image/target-nodes.ts';
import type { TargetNode } from '../image/target-nodes.ts';
import { CommandError, UsageError } from '../usage-error.ts';

export const imagePush = defineCommand({
  help: helpOf.imagePush,
  options: {
    node: {
      type: 'list',
      placeholder: 'NAME',
      help: 'Only to this machine; may be repeated (default: all that run containers)',
    },
    parallel: {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      maximum: 64,
      default: 4,
      help: 'Machines that are sent to at the same time',
    },
    'max-size': {
      type: 'string',
      placeholder: 'SIZE',
      default: '20Gi',
      help: 'Refuse images that are larger',
    },
    ...clientOptions,
  },
  words: ['IMAGE'],
  async run(values, [image = ''], io) {
    checkName(image);
    const limit = limitOf(values['max-size']);
    const signal = io.stopSignal();
    const engine = openEngine(io.environment['DOCKER_HOST']);
    const local = await told(() => engine.find(image));
    checkSize(image, local, limit, values['max-size']);
    return withClient(values, 'image push', async (client) => {
      const { items } = await client.list<ApiObject & TargetNode>(NODES, {}, signal);
      const { names, skipped } = targetNodes(items, values.node);
      for (const { name, why } of skipped) io.err(`${name} is left out: ${why}\n`);
      const { parallel } = values;
      return told(() => pushToAll({ client, engine, local, image, names, parallel, io }, signal));
    });
  },
});

function checkName(image: string): void {
  try {
    if (parseImageReference(image).digest === undefined) return;
  } catch (error) {
    if (error instanceof ImageReferenceError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
  throw new UsageError(
    `image ${image} is named by a digest, which only a registry can give: name it by a tag`,
  );
}

function limitOf(text: string): number {
  const limit = parseQuantity(text);
  if (limit === undefined || limit <= 0n)
    throw new UsageError(
      `--max-size must be a size such as 500Mi or 20Gi, found ${JSON.stringify(text)}`,
    );
  return Number(limit / ONE);
}

function checkSize(image: string, { sizeBytes }: LocalImage, limit: number, text: string): void {
  if (sizeBytes <= limit) return;
  throw new CommandError(
    `image ${image} has ${sizeText(sizeBytes)}, more than --max-size ${text}`,
    'Make it smaller, or raise --max-size.',
  );
}

function openEngine(host: string | undefined): LocalEngine {
  try {
    return new LocalEngine(host);
  } catch (error) {
    throw new CommandError((error as Error).message, undefined, { cause: error });
  }
}

/** What stands in the way here becomes a message without a stack. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LocalImageError)
      throw new CommandError(error.message, undefined, { cause: error });
    throw error;
  }
}
