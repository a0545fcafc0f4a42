import { createServer } from 'node:net';
import { EventStoreDBClient } from '@eventstore/db-client';
import streams from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { expect } from '@jest/globals';
import { collect, contract, errorOf, numbered, numbersOf, useEventStore } from './support.js';

useEventStore();
const { StreamsService } = streams;

/** The client keeps what the server said to itself and its subclasses. */
class Curious extends EventStoreDBClient {
  get features() {
    return this.capabilities;
  }
}

contract('ES-130', async ({ url, finally: closing }) => {
  const { hostname, port } = new URL(url.replace(/^esdb:/, 'http:'));
  const curious = new Curious(
    { endpoint: { address: hostname, port: Number(port) } },
    { insecure: url.includes('tls=false') },
  );
  closing(() => curious.dispose());
  const features = await curious.features;
  expect(features.serverVersion).toMatch(/^\d+\.\d+/);
  for (const method of ['read', 'append', 'batchAppend', 'delete', 'tombstone'] as const) {
    expect(features.supports(StreamsService[method])).toBe(true);
  }
});

contract('ES-131', async ({ url, stream, finally: closing }) => {
  const discovering = EventStoreDBClient.connectionString(url.replace(/^esdb:/, 'esdb+discover:'));
  closing(() => discovering.dispose());
  await discovering.appendToStream(stream(), numbered(0));
  expect(numbersOf(await collect(discovering.readStream(stream())))).toEqual([0]);
});

contract('ES-132', async ({ stream, finally: closing }) => {
  // A port that was free a moment ago is most likely still.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  const port = typeof address === 'object' ? address?.port : undefined;
  const nobody = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
  closing(() => nobody.dispose());
  // The client asks for the server's features first, and hands that call's error on as it is.
  expect(await errorOf(nobody.appendToStream(stream(), numbered(0)))).toMatchObject({ code: 14 });
  expect(await errorOf(collect(nobody.readStream(stream())))).toMatchObject({ type: 'unavailable' });
});
