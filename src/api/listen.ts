import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';
import { Slab } from '../runtime/slab.js';
import { httpMessagesOf } from './http-messages.js';
import { Problem, problemBody } from './problems.js';

/** Timeouts of a connection: a slow or silent client cannot hold one for ever. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;
export const CONNECTIONS_MAX = 10_000;
const BACKLOG_CONNECTIONS = 1_024;
/** How long a stop waits for what is in flight. */
export const CLOSE_GRACE_MS = 10_000;
const SWEEP_PAUSE_MS = 50;

export interface ListeningApi {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Takes no more connections, finishes what is in flight (at most {@link CLOSE_GRACE_MS}), closes the rest. */
  close(): Promise<void>;
}

const CLIENT_ERRORS: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem('headers_too_large', 'the headers are too large'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('request_timeout', 'the request took too long to arrive'),
};
const NOT_HTTP = new Problem('invalid_http', 'the request cannot be read');

const answerClientError = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP;
  const body = JSON.stringify(problemBody(problem, 'none'));
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.code}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
};

/** Serves `app` on a host and port; 0 takes a free port. */
export const listen = async (
  app: RequestListener | Express,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListeningApi> => {
  const server = createServer({
    ...httpMessagesOf(app),
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    noDelay: true,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', answerClientError);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const underWay = new Slab<ServerResponse>();
  let closing = false;
  server.on('request', (_, response) => {
    const place = underWay.add(response);
    response.once('close', () => underWay.remove(place));
    if (closing) response.setHeader('Connection', 'close');
  });
  server.on('request', app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG_CONNECTIONS }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Answers under way end their connection; what sits idle goes at once.
    closing = true;
    for (const response of underWay.values())
      if (!response.headersSent) response.setHeader('Connection', 'close');
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_PAUSE_MS);
    const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.closeIdleConnections();
    // Node does not count as idle what has never sent a byte.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    await closed;
    clearInterval(sweep);
    clearTimeout(force);
  };
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${address.port}`, port: address.port, server, close };
};
