// `windlass console`: signs a browser in to the console, as whoever the kubeconfig says.
import type { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { isNotFound } from '#controllers/machinery/request-error.ts';
import { sleep, systemClock } from '#platform/clock.ts';
import { defineCommand } from '../command.ts';
import { helpOf } from '../command-help.ts';
import { clientOptions, kubeconfigOf, withClient } from '../connect.ts';
import { browserCommand, openBrowser } from '../console/open-browser.ts';
import { CommandError } from '../usage-error.ts';

const CODES = '/windlass/v1/console/codes';
const LOOK_AGAIN_MS = 500;

interface Offer {
  readonly code: string;
  /** Names the code without being it. */
  readonly id: string;
  readonly path: string;
  readonly expires: string;
}

export const consoleCommand = defineCommand({
  help: helpOf.console,
  options: {
    print: { type: 'boolean', help: 'Print the address instead of opening a browser' },
    ...clientOptions,
  },
  async run(values, _words, io) {
    const { server } = await loadConnection(kubeconfigOf(values)).catch((error: unknown) => {
      throw new CommandError((error as Error).message, undefined, { cause: error });
    });
    const signal = io.stopSignal();
    return withClient(values, 'console', async (client) => {
      const offer = await askForCode(client, signal);
      const url = `${new URL(offer.path, server).href}#code=${offer.code}`;
      const command = values.print ? undefined : browserCommand(process.platform, io.environment);
      const remove = command === undefined ? undefined : await openBrowser(command, url);
      if (remove === undefined) {
        io.out(`${url}\n`);
        io.err('It signs in once, within a minute: open it in a browser.\n');
        return 0;
      }
      try {
        io.err('A browser opens the console.\n');
        await untilUsed(client, offer, signal);
      } finally {
        remove();
      }
      return 0;
    });
  },
});

async function askForCode(client: HttpClient, signal: AbortSignal): Promise<Offer> {
  try {
    return (await client.postBytes(CODES, new Uint8Array(), signal)) as Offer;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CommandError(
      'the server has no console',
      'It was started with --no-console, or is not a server of Windlass.',
      { cause: error },
    );
  }
}

/** @throws CommandError when nobody has come before the code ended */
async function untilUsed(
  client: HttpClient,
  { id, expires }: Offer,
  signal: AbortSignal,
): Promise<void> {
  while (systemClock.now() < Date.parse(expires)) {
    const { state } = (await client.getPath(`${CODES}/${id}`, signal)) as {
      readonly state: string;
    };
    if (state === 'Used') return;
    if (state === 'Gone') break;
    await sleep(systemClock, LOOK_AGAIN_MS, signal);
  }
  throw new CommandError(
    'no browser has signed in within a minute',
    'Run windlass console --print, and open the address that it prints.',
  );
}
