/**
 * Answering those who speak HTTP/1.1: browsers, and EventStoreDB's clients, which fall back to it for what a server does
 * not list among its methods. They are told at once that it is not implemented.
 */
import type http2 from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';

/** How HTTP/2 begins, and no method of HTTP/1.1. */
const PREFACE = 'PRI';
/** How long a connection may say nothing at all. */
const SILENT_MAX_MS = 30_000;
const BODY = 'This server speaks gRPC only.\n';
const NOT_IMPLEMENTED = [
  'HTTP/1.1 501 Not Implemented',
  'content-type: text/plain',
  `content-length: ${BODY.length}`,
  'connection: close',
  '',
  BODY,
].join('\r\n');

export function refuseHttp1(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(NOT_IMPLEMENTED);
}

/** A listener without TLS that hands connections to `server` once it knows their protocol. */
export function http2Only(server: http2.Http2Server): net.Server {
  return net.createServer((socket) => {
    const look = (): void => {
      const begin: Buffer | null = socket.read(PREFACE.length);
      if (begin === null) return;
      socket.off('readable', look);
      socket.setTimeout(0);
      socket.unshift(begin);
      if (begin.toString('latin1') === PREFACE) server.emit('connection', socket);
      else refuseHttp1(socket);
    };
    socket.on('readable', look);
    socket.on('error', () => undefined);
    socket.setTimeout(SILENT_MAX_MS, () => socket.destroy());
  });
}
