import type { IncomingMessage, RequestListener } from 'node:http';
import type { ApiParts } from './parts.js';
import { Problem, problemOf, sendProblem } from './problems.js';
import { createReadiness } from './readiness.js';

interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const json = (status: number, body: unknown): Page => ({
  status,
  type: 'application/json',
  text: JSON.stringify(body),
});

const pathOf = ({ url = '/' }: IncomingMessage): string => url.replace(/\?.*$/, '');

/**
 * `/livez`, `/readyz` and `/metrics` of one process as the API has them, but without a key and whatever the process does: for the one who
 * watches over it from inside. It has a port of its own (`HOLDFAST_MONITOR_PORT`) that nobody else should reach.
 */
export const createMonitor = ({
  ready,
  registry,
  clock,
}: Pick<ApiParts, 'ready' | 'registry' | 'clock'>): RequestListener => {
  const readiness = createReadiness(ready, clock);
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    '/livez': async () => json(200, { alive: true }),
    '/readyz': async () => {
      const state = await readiness();
      return json(state.ready ? 200 : 503, state);
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
  };
  const pageOf = (request: IncomingMessage): Promise<Page> => {
    const page = pages[pathOf(request)];
    if (page === undefined) throw new Problem('unknown_route', `there is no ${pathOf(request)} here`);
    if (request.method === 'GET' || request.method === 'HEAD') return page();
    throw new Problem('method_not_allowed', `${request.method} is not for this route`, {
      headers: { Allow: 'GET, HEAD' },
    });
  };
  return async (request, response) => {
    try {
      const { status, type, text } = await pageOf(request);
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(text),
        'Cache-Control': 'no-store',
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    } catch (error) {
      sendProblem(response, problemOf(error), 'none');
    }
  };
};
