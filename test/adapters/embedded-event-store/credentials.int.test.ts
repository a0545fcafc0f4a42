import { once } from 'node:events';
import { EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { codeOf, collect, finallyDo, numbered, running, TLS_CERT, TLS_KEY } from './support.js';

const [tlsKey, tlsCert] = [TLS_KEY, TLS_CERT];

function client(port: number, credentials: string, scheme = 'esdb'): EventStoreDBClient {
  const url = `${scheme}://${credentials}localhost:${port}?tls=true&tlsCAFile=${encodeURIComponent(tlsCert)}`;
  const made = EventStoreDBClient.connectionString(url);
  finallyDo(() => made.dispose());
  return made;
}

test('with a user configured, every call needs its credentials', async () => {
  const { node } = await running({ inMemory: true, user: 'admin', password: 's3cret: é', tlsKey, tlsCert });
  expect(node.connectionString).toContain('tls=true');
  const right = client(node.port, `admin:${encodeURIComponent('s3cret: é')}@`);
  await right.appendToStream('stream-1', numbered(1));
  expect(await collect(right.readStream('stream-1'))).toHaveLength(1);

  for (const credentials of ['admin:wrong@', 'other:s3cret@', '']) {
    const wrong = client(node.port, credentials);
    expect(await codeOf(wrong.appendToStream('stream-1', numbered(2)))).toBe('access-denied');
    expect(await codeOf(collect(wrong.readStream('stream-1')))).toBe('access-denied');
    expect(await codeOf(wrong.deleteStream('stream-1'))).toBe('access-denied');
    const subscription = wrong.subscribeToAll();
    const [error] = await once(
      subscription.on('data', () => undefined),
      'error',
    ).catch((reason) => [reason]);
    expect(error).toMatchObject({ type: 'access-denied' });
  }
  expect(await collect(right.readStream('stream-1'))).toHaveLength(1);
});

test('credentials of a call count instead of those of the client', async () => {
  const { node } = await running({ inMemory: true, user: 'admin', password: 'right', tlsKey, tlsCert });
  const wrong = client(node.port, 'admin:wrong@');
  const credentials = { username: 'admin', password: 'right' };
  await wrong.appendToStream('stream-1', numbered(1), { credentials });
  expect(await collect(wrong.readStream('stream-1', { credentials }))).toHaveLength(1);
  const right = client(node.port, 'admin:right@');
  const bad = { credentials: { username: 'admin', password: 'wrong' } };
  expect(await codeOf(right.appendToStream('stream-1', numbered(2), bad))).toBe('access-denied');
});

test('without a user, credentials are taken and mean nothing', async () => {
  const { node } = await running({ inMemory: true, tlsKey, tlsCert });
  await client(node.port, 'anybody:anything@').appendToStream('stream-1', numbered(1));
});

test('a client that discovers finds the node over TLS too, and brings its credentials', async () => {
  const { node } = await running({
    inMemory: true,
    host: 'localhost',
    user: 'admin',
    password: 'right',
    tlsKey,
    tlsCert,
  });
  const right = client(node.port, 'admin:right@', 'esdb+discover');
  await right.appendToStream('stream-1', numbered(1));
  expect(await collect(right.readStream('stream-1'))).toHaveLength(1);
  const wrong = client(node.port, 'admin:wrong@', 'esdb+discover');
  expect(await codeOf(wrong.appendToStream('stream-1', numbered(2)))).toBe('access-denied');
});
