// The settings of an InfraProvider of type Local, and of a node over them. Pure.
import { isAbsolute } from 'node:path';
import { InvalidRequest } from '../errors.ts';
import type { NodeRequest } from '../provider.ts';

export interface LocalSettings {
  /** Absolute. Each node has a folder of its name there. */
  readonly stateDirectory: string;
  /** What a node runs that says nothing else. */
  readonly command: readonly string[];
  /** Before a node that is told to stop is killed. */
  readonly stopGraceMs: number;
}

const KNOWN = ['stateDirectory', 'command', 'stopGraceSeconds'];

/** @throws InvalidRequest naming the setting, what was found and what may be there */
export function localSettings(settings: Readonly<Record<string, string>>): LocalSettings {
  const unknown = Object.keys(settings).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined)
    throw new InvalidRequest(
      `settings.${unknown}: no such setting of type Local: there are ${KNOWN.join(', ')}`,
    );
  const { stateDirectory = '', command, stopGraceSeconds = '10' } = settings;
  if (!isAbsolute(stateDirectory))
    throw new InvalidRequest(
      `settings.stateDirectory: ${JSON.stringify(stateDirectory)} is no absolute path; give the folder where nodes keep their state`,
    );
  const seconds = Number(stopGraceSeconds);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 600)
    throw new InvalidRequest(
      `settings.stopGraceSeconds: ${JSON.stringify(stopGraceSeconds)} is no whole number from 0 to 600`,
    );
  return { stateDirectory, command: commandOf(command), stopGraceMs: seconds * 1000 };
}

/** A name that is a folder of its own below the state directory. @throws InvalidRequest */
export function folderName(node: NodeRequest): string {
  if (!/^[a-z0-9A-Z][-a-z0-9A-Z_.]{0,252}$/.test(node.name))
    throw new InvalidRequest(
      `node name ${JSON.stringify(node.name)}: use letters, digits, -, _ and ., beginning with a letter or digit`,
    );
  return node.name;
}

/** @throws InvalidRequest when neither says what to run */
export function commandFor(node: NodeRequest, settings: LocalSettings): readonly string[] {
  const command = node.command ?? settings.command;
  if (command.length === 0)
    throw new InvalidRequest(
      `node ${node.name}: nothing to run: set settings.command of the InfraProvider, as ["/usr/bin/program", "argument"]`,
    );
  return command;
}

function commandOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (
    Array.isArray(parsed) &&
    parsed.length > 0 &&
    parsed.every((part) => typeof part === 'string')
  )
    return parsed;
  throw new InvalidRequest(
    `settings.command: ${JSON.stringify(text)} is no JSON list of texts, as ["/usr/bin/program", "argument"]`,
  );
}
