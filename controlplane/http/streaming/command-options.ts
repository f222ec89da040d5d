// What the query of exec, attach and portforward asks for (core/v1 PodExecOptions, PodAttachOptions, PodPortForwardOptions).
import { badRequest } from '../../api/errors.ts';

import { isTrue } from '../request-info.ts';

export interface CommandOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

const LONGEST_COMMAND_BYTES = 128 * 1024;

/** @throws ApiError BadRequest */
export function commandOptions(query: URLSearchParams, stream: 'exec' | 'attach'): CommandOptions {
  const command = stream === 'exec' ? query.getAll('command') : [];
  if (stream === 'exec' && (command[0] ?? '') === '') {
    throw badRequest('you must specify at least one command for the container');
  }
  if (command.some((word) => word.includes('\0'))) {
    throw badRequest('command: Invalid value: a word of it holds a zero byte');
  }
  if (command.reduce((sum, word) => sum + word.length, 0) > LONGEST_COMMAND_BYTES) {
    throw badRequest(`command: Too long: may not be more than ${LONGEST_COMMAND_BYTES} bytes`);
  }
  const tty = isTrue(query.get('tty'));
  const stdin = isTrue(query.get('stdin'));
  const stdout = isTrue(query.get('stdout'));
  // A terminal has one output.
  const stderr = isTrue(query.get('stderr')) && !tty;
  if (!stdin && !stdout && !stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  return { command, stdin, stdout, stderr, tty };
}

const MAXIMUM_PORTS = 64;

/** `ports=80,443&ports=8080`, for clients that name their ports beforehand. @throws ApiError BadRequest */
export function forwardedPorts(query: URLSearchParams): readonly number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','));
  if (texts.length === 0) throw badRequest('query parameter "ports" is required');
  if (texts.length > MAXIMUM_PORTS) {
    throw badRequest(`query parameter "ports" names ${texts.length}; at most ${MAXIMUM_PORTS}`);
  }
  return texts.map((text) => {
    const port = parsePort(text);
    if (port === undefined) throw badRequest(`query parameter "ports": ${portProblem(text)}`);
    return port;
  });
}

/** 1–65535, else undefined. */
export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}

function portProblem(text: string): string {
  return `${JSON.stringify(text)} is no port from 1 to 65535`;
}
