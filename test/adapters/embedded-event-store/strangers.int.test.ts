import http2 from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { collect, numbered, running } from './support.js';

/** Sends bytes to a port as they are, and hangs up a moment later. */
async function sendRaw(port: number, bytes: Buffer | string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  await sleep(50);
  socket.destroy();
}

/** One gRPC call made by hand; answers with its status. */
async function call(
  port: number,
  path: string,
  body: Buffer,
  contentType = 'application/grpc',
): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  try {
    const request = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': contentType,
      te: 'trailers',
    });
    return await new Promise<string>((resolve) => {
      let status = '';
      const note = (headers: http2.IncomingHttpHeaders): void => {
        status = String(headers['grpc-status'] ?? (status || `http ${headers[':status']}`));
      };
      request.on('response', note);
      request.on('trailers', note);
      request.on('error', () => resolve(status));
      request.on('close', () => resolve(status));
      request.resume();
      request.end(body);
    });
  } finally {
    session.close();
  }
}

const frame = (flag: number, length: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
};
const STREAMS = '/event_store.client.streams.Streams';

test('whatever arrives on the port gets a status, or is cut off, and harms nobody else', async () => {
  const { node, client } = await running({ inMemory: true });
  await client.appendToStream('stream-1', numbered(1));
  const { port } = node;

  await sendRaw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await sendRaw(port, Buffer.alloc(10_000, 0xfe));
  await sendRaw(port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\xff');
  const some = Buffer.from([0xff, 0xff, 0xff]);
  expect(await call(port, '/nothing.Here/AtAll', frame(0, 0, Buffer.alloc(0)))).toBe('12');
  expect(await call(port, `${STREAMS}/Read`, frame(0, 3, some))).toBe('3');
  expect(await call(port, `${STREAMS}/Append`, frame(0, 3, some))).toBe('3');
  expect(await call(port, `${STREAMS}/BatchAppend`, frame(0, 3, some))).toBe('3');
  expect(await call(port, `${STREAMS}/Delete`, Buffer.alloc(0))).toBe('3');
  expect(await call(port, `${STREAMS}/Read`, frame(1, 3, some))).toBe('12');
  expect(await call(port, `${STREAMS}/Read`, frame(0, 0xfffffff0, some))).toBe('8');
  expect(await call(port, `${STREAMS}/Read`, some, 'text/html')).toBe('http 415');

  await client.appendToStream('stream-1', numbered(2));
  expect(await collect(client.readStream('stream-1'))).toHaveLength(2);
});
