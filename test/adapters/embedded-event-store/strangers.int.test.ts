import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { CallByHand, frame, STREAMS } from './by-hand.js';
import { collect, finallyDo, numbered, running, TLS_CERT, TLS_KEY } from './support.js';

/** Sends bytes to a port as they are, and hangs up a moment later. */
async function sendRaw(port: number, bytes: Buffer | string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  await sleep(50);
  socket.destroy();
}

/** One call made by hand; answers with its status. */
async function call(port: number, path: string, bytes: Buffer, contentType?: string): Promise<string> {
  const made = new CallByHand(port, path, contentType === undefined ? {} : { contentType });
  return (await made.write(bytes).end()).status;
}

test('whatever arrives on the port gets a status, or is cut off, and harms nobody else', async () => {
  const { node, client } = await running({ inMemory: true });
  await client.appendToStream('stream-1', numbered(1));
  const { port } = node;

  await sendRaw(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await sendRaw(port, Buffer.alloc(10_000, 0xfe));
  await sendRaw(port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\xff');
  const some = Buffer.from([0xff, 0xff, 0xff]);
  expect(await call(port, '/nothing.Here/AtAll', frame(Buffer.alloc(0)))).toBe('12');
  expect(await call(port, `${STREAMS}/Read`, frame(some))).toBe('3');
  expect(await call(port, `${STREAMS}/Append`, frame(some))).toBe('3');
  expect(await call(port, `${STREAMS}/BatchAppend`, frame(some))).toBe('3');
  expect(await call(port, `${STREAMS}/Delete`, Buffer.alloc(0))).toBe('3');
  expect(await call(port, `${STREAMS}/Read`, frame(some, 1))).toBe('12');
  expect(await call(port, `${STREAMS}/Read`, frame(some, 0, 0xfffffff0))).toBe('8');
  expect(await call(port, `${STREAMS}/Read`, some, 'text/html')).toBe('http 415');

  await client.appendToStream('stream-1', numbered(2));
  expect(await collect(client.readStream('stream-1'))).toHaveLength(2);
});

test('HTTP/1.1 is told that it is not implemented, with and without TLS', async () => {
  const plain = await running({ inMemory: true });
  const answer = await fetch(`http://127.0.0.1:${plain.node.port}/streams/stream-1`);
  expect([answer.status, await answer.text()]).toEqual([501, 'This server speaks gRPC only.\n']);

  const [tlsKey, tlsCert] = [TLS_KEY, TLS_CERT];
  const { node } = await running({ inMemory: true, tlsKey, tlsCert });
  const status = await new Promise((resolve, reject) => {
    const ca = fs.readFileSync(tlsCert);
    https
      .get({ host: 'localhost', port: node.port, path: '/', ca }, (response) => resolve(response.statusCode))
      .on('error', reject);
  });
  expect(status).toBe(501);
  const url = `esdb://localhost:${node.port}?tls=true&tlsCAFile=${encodeURIComponent(tlsCert)}`;
  const client = EventStoreDBClient.connectionString(url);
  finallyDo(() => client.dispose());
  await client.appendToStream('stream-1', numbered(1));
});

test('a connection may begin byte by byte', async () => {
  const { node } = await running({ inMemory: true });
  const socket = connect(node.port, '127.0.0.1');
  finallyDo(() => void socket.destroy());
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const byte of preface) {
    socket.write(byte);
    await sleep(1);
  }
  // An empty SETTINGS frame; the server's own comes back: its type is the fourth byte.
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const [answer] = await once(socket, 'data');
  expect(answer[3]).toBe(4);
});
