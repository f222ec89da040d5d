// express around the pages for browsers. It is 135 modules, a seventh of what a server would load to start, and most servers are never
// opened in a browser: it is loaded with the first page.
import { createRequire } from 'node:module';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type createApplication from 'express';
import type { Logger } from '#platform/logging.ts';
import { lazy } from '../api/lazy.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const require = createRequire(import.meta.url);
// Whether it is there is said by the start, not in the middle of a request.
require.resolve('express');

/** The same listener, in the shell. */
export function outerShell(listener: Listener, logger: Logger): Listener {
  const shell = lazy((): Listener => {
    try {
      const express = require('express') as typeof createApplication;
      const application = express();
      application.disable('x-powered-by');
      application.disable('etag');
      application.use(listener);
      return (request, response) => void application(request, response);
    } catch (error) {
      // Its files were taken away below a server that runs, by an upgrade for one. Nothing of ours needs the shell.
      logger.warn('Cannot load express; pages are served without it', { error });
      return listener;
    }
  });
  return (request, response) => shell()(request, response);
}
