import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
} from '@eventstore/db-client';
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

/** Milliseconds of processor that a process has used, all threads. */
const cpuMs = (pid: number): number =>
  fs
    .readdirSync(`/proc/${pid}/task`)
    .reduce(
      (sum, id) => sum + Number(fs.readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
      0,
    ) / 1e6;

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('an empty directory is ready for little more than what Node itself needs to start', async () => {
  const bare = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => undefined, 1000)']);
  finallyDo(() => void bare.kill('SIGKILL'));
  await once(bare.stdout, 'data');
  const { node } = await running({ dir: temporaryDirectory() });
  // 2.2 times as much, 2026-11-22: 130 ms from spawn to ready on a quiet machine, of which Node has 40. Loading the
  // client library, for one, would be 9 times as much.
  expect(cpuMs(node.pid)).toBeLessThan(5 * cpuMs(bare.pid ?? 0));
});

onLinux('in memory the server does not load LMDB', async () => {
  const loaded = (pid: number): boolean => fs.readFileSync(`/proc/${pid}/maps`, 'utf8').includes('lmdb');
  expect(loaded((await running({ inMemory: true })).node.pid)).toBe(false);
  expect(loaded((await running({ dir: temporaryDirectory() })).node.pid)).toBe(true);
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
  await node.stop();
  expect((await ended)[0]).toMatchObject({ type: 'unavailable' });
  // Not killed for taking too long.
  expect(await node.exited).toEqual({ code: 0, signal: null });
  const acknowledged = (await Promise.allSettled(appends)).filter(
    ({ status }) => status === 'fulfilled',
  ).length;
  const again = await running({ dir });
  expect((await collect(again.client.readAll())).length).toBeGreaterThanOrEqual(acknowledged + 1);
});

test('what the server does not do is refused as unimplemented, at once', async () => {
  const { client } = await running({ inMemory: true });
  const settings = persistentSubscriptionToStreamSettingsFromDefaults();
  const ended = (stream: PersistentSubscriptionToStream): Promise<never> =>
    once(
      stream.on('data', () => undefined),
      'never',
      { signal: AbortSignal.timeout(20_000) },
    ).then(() => {
      throw new Error('it ended without an error');
    });
  // A call that nobody answers would end as deadline-exceeded.
  for (const refused of [
    () => client.createPersistentSubscriptionToStream('stream', 'group', settings),
    () => ended(client.subscribeToPersistentSubscriptionToStream('stream', 'group')),
    () => client.createProjection('projection', 'fromAll()'),
    () => client.listProjections(),
    () => client.restartSubsystem(),
  ]) {
    const error = await refused().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 12 });
    expect(String(error)).toContain('does not implement /event_store.client.');
  }
  // For some the client falls back to HTTP/1.1.
  for (const refused of [
    () => client.listAllPersistentSubscriptions(),
    () => client.getPersistentSubscriptionToStreamInfo('stream', 'group'),
  ]) {
    await expect(refused()).rejects.toThrow('Not Implemented');
  }
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
