// One image to many machines: a few at a time, one line for each, and the end of each told.
import type { HttpClient } from '#controllers/machinery/client.ts';
import type { LocalEngine, LocalImage } from '#controllers/runtimes/docker-local-image.ts';
import { systemClock } from '#platform/clock.ts';
import type { CommandIO } from '../command.ts';
import { createProgress } from '../progress.ts';
import { ImageExport } from './image-export.ts';
import { NodeCalls } from './node-calls.ts';
import { pushToNode } from './push-to-node.ts';
import type { Pushed, PushStep } from './push-to-node.ts';
import { sizeText } from './size-text.ts';

export interface PushToAll {
  readonly client: HttpClient;
  readonly engine: LocalEngine;
  readonly local: LocalImage;
  /** As the user wrote it. */
  readonly image: string;
  readonly names: readonly string[];
  readonly parallel: number;
  readonly io: CommandIO;
}

/** Resolves with the exit code: 0 when it is on all of them. */
export async function pushToAll(push: PushToAll, signal: AbortSignal): Promise<number> {
  const { client, engine, local, image, names, parallel, io } = push;
  const progress = createProgress(io.out, io.columns);
  await using parts = await ImageExport.open(engine, local, image);
  const waiting = [...names];
  let failed = 0;
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const node = name;
      const say = (text: string): void => progress.update(node, `${node}  ${text}`);
      try {
        const pushed = await pushToNode(
          {
            calls: new NodeCalls(client, node),
            image: local,
            name: image,
            parts,
            clock: systemClock,
            progress: (step) => say(stepText(step, io.columns !== undefined)),
          },
          signal,
        );
        say(resultText(pushed, local));
      } catch (error) {
        signal.throwIfAborted();
        failed += 1;
        say(`failed: ${(error as Error).message}`);
      }
    }
  };
  const workers = Array.from({ length: Math.min(parallel, names.length) }, work);
  const outcomes = await Promise.allSettled(workers);
  const [broken] = outcomes.filter((outcome) => outcome.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  if (failed > 0) io.err(`${image} is not on ${failed} of ${names.length} machines\n`);
  return failed === 0 ? 0 : 1;
}

/** @param isLive whether the line is redrawn; else it would be printed for each piece that is sent */
function stepText(step: PushStep, isLive: boolean): string {
  switch (step.step) {
    case 'layer': {
      const done = isLive ? `${sizeText(step.bytes)} of ` : '';
      return `sending layer ${step.number} of ${step.of}: ${done}${sizeText(step.size)}`;
    }
    case 'load':
      return 'loading';
    case 'retry':
      return `trying again: ${step.why}`;
  }
}

function resultText({ present, sent, bytes }: Pushed, { layers }: LocalImage): string {
  if (present) return 'has it already';
  const there = layers.length - sent;
  const rest = there === 0 ? '' : `, ${there} there already`;
  return `done: ${sent} ${sent === 1 ? 'layer' : 'layers'} sent (${sizeText(bytes)})${rest}`;
}
