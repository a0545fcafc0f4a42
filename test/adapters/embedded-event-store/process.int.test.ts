import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { persistentSubscriptionToStreamSettingsFromDefaults, START } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { startEventStore } from '../../../src/adapters/embedded-event-store/start.js';
import { codeOf, collect, finallyDo, numbered, range, running, temporaryDirectory } from './support.js';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('an empty directory is ready quickly', async () => {
  const started = performance.now();
  await running({ dir: temporaryDirectory() });
  // Measured 2026-11-22 on an idle machine: 130 ms, process start included. The rest is for machines that are not idle.
  expect(performance.now() - started).toBeLessThan(2_000);
});

test('the server ends when its parent is killed', async () => {
  const start = path.join(import.meta.dirname, '../../../dist/adapters/embedded-event-store/start.js');
  const script = `const { startEventStore } = await import(${JSON.stringify(start)});
    console.log((await startEventStore({ inMemory: true })).pid); setInterval(() => undefined, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  for (const _ of range(0, 100)) if (isAlive(pid)) await sleep(50);
  expect(isAlive(pid)).toBe(false);
});

test('a program that started a server can end without stopping it', async () => {
  const start = path.join(import.meta.dirname, '../../../dist/adapters/embedded-event-store/start.js');
  const script = `const { startEventStore } = await import(${JSON.stringify(start)}); await startEventStore();`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const [code] = await once(parent, 'exit');
  expect(code).toBe(0);
});

test('a port that is taken is an error', async () => {
  const { node } = await running({ inMemory: true });
  expect(await codeOf(startEventStore({ inMemory: true, port: node.port }))).toBe('eaddrinuse');
});

test('a stop finishes what is in flight and ends subscriptions as unavailable', async () => {
  const dir = temporaryDirectory();
  const { node, client } = await running({ dir });
  await client.appendToStream('stream-0', numbered(0));
  const subscription = client.subscribeToAll({ fromPosition: START });
  const ended = once(subscription, 'error').catch((error: unknown) => [error]);
  subscription.on('data', () => undefined);
  await once(subscription, 'confirmation');
  const appends = range(0, 200).map((i) => client.appendToStream(`stream-${i}`, numbered(i)));
  await Promise.race(appends);
  const started = performance.now();
  await node.stop();
  expect(performance.now() - started).toBeLessThan(5_000);
  expect((await ended)[0]).toMatchObject({ type: 'unavailable' });
  expect((await node.exited).code).toBe(0);
  const acknowledged = (await Promise.allSettled(appends)).filter(
    ({ status }) => status === 'fulfilled',
  ).length;
  const again = await running({ dir });
  expect((await collect(again.client.readAll())).length).toBeGreaterThanOrEqual(acknowledged + 1);
});

test('what the server does not do is refused at once', async () => {
  const { client } = await running({ inMemory: true });
  const started = performance.now();
  const settings = persistentSubscriptionToStreamSettingsFromDefaults();
  const error = await client
    .createPersistentSubscriptionToStream('stream', 'group', settings)
    .catch((reason) => reason);
  expect(error).toMatchObject({ code: 12 });
  expect(performance.now() - started).toBeLessThan(1_000);
  // The connection is as good as before.
  await client.appendToStream('stream-1', numbered(1));
});

test('memory mode keeps everything while it runs, with and without a name for it', async () => {
  const { client } = await running({});
  await Promise.all(range(0, 600).map((i) => client.appendToStream(`stream-${i % 3}`, numbered(i))));
  expect(await collect(client.readStream('stream-1'))).toHaveLength(200);
  expect(await collect(client.readAll())).toHaveLength(600);
});

test('a hundred clients come and go without the server growing', async () => {
  const { node, client } = await running({ inMemory: true });
  await client.appendToStream(
    'stream-1',
    range(0, 200).map((i) => numbered(i)),
  );
  for (const _ of range(0, 100)) {
    const subscription = client.subscribeToAll({ fromPosition: START });
    finallyDo(() => subscription.unsubscribe());
    for await (const _event of subscription) break;
    await subscription.unsubscribe();
  }
  await client.appendToStream('stream-1', numbered(1));
  expect(isAlive(node.pid)).toBe(true);
});
