import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { startEventStore } from '../../../src/adapters/embedded-event-store/start.js';
import {
  codeOf,
  collect,
  essence,
  numbered,
  range,
  running,
  runProgram,
  temporaryDirectory,
} from './support.js';

/** A directory with a log of `count` events in as many appends, closed cleanly. */
async function directoryWith(count: number): Promise<{ dir: string; log: string; events: unknown[] }> {
  const dir = temporaryDirectory();
  const { node, client } = await running({ dir });
  await Promise.all(
    range(0, count).map((i) => client.appendToStream(`stream-${i % 10}`, numbered(i, 'x'.repeat(i % 300)))),
  );
  const events = (await collect(client.readAll())).map(essence);
  await node.stop();
  return { dir, log: path.join(dir, 'events.log'), events };
}

test('a second process on a directory is refused, until the first is gone, however it went', async () => {
  const dir = temporaryDirectory();
  const { node, client } = await running({ dir });
  await client.appendToStream('stream-1', numbered(1));
  expect(await codeOf(startEventStore({ dir }))).toBe('directory_locked');
  node.kill('SIGKILL');
  await node.exited;
  const second = await running({ dir });
  expect(await collect(second.client.readStream('stream-1'))).toHaveLength(1);
});

test('what an interrupted append left is cut off, kept aside, and the log goes on', async () => {
  const { dir, log, events } = await directoryWith(50);
  const whole = fs.readFileSync(log);
  // Half of the last record again, as if the process had died while writing it.
  fs.writeFileSync(log, Buffer.concat([whole, whole.subarray(-200, -80)]));
  const lines: string[] = [];
  const { node, client } = await running({ dir, log: (line) => lines.push(line) });
  expect((await collect(client.readAll())).map(essence)).toEqual(events);
  expect(lines.join()).toContain('unfinished append');
  expect(fs.readdirSync(dir).filter((name) => name.startsWith('torn-'))).toHaveLength(1);
  await client.appendToStream('stream-new', numbered(1));
  await node.stop();
  expect(await runProgram('--verify', dir)).toMatchObject({
    code: 0,
    said: { events: 51, unfinishedBytes: 0 },
  });
});

test('a log that lost its end is refused', async () => {
  const { dir, log } = await directoryWith(50);
  fs.truncateSync(log, fs.statSync(log).size - 500);
  expect(await codeOf(startEventStore({ dir }))).toBe('log_truncated');
});

test('a changed byte near the end is noticed at start, one anywhere by verify', async () => {
  const { dir, log } = await directoryWith(50);
  expect(await runProgram('--verify', dir)).toMatchObject({ code: 0, said: { events: 50, appends: 50 } });
  const whole = fs.readFileSync(log);
  for (const at of [80, Math.floor(whole.length / 2), whole.length - 30]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    fs.writeFileSync(log, damaged);
    expect(await codeOf(startEventStore({ dir }))).toBe('log_damaged');
  }
  fs.writeFileSync(log, whole);
  await (await running({ dir })).node.stop();
});

test('verify finds damage deep in a large log', async () => {
  const { dir, log } = await directoryWith(4_000);
  const handle = fs.openSync(log, 'r+');
  fs.writeSync(handle, Buffer.from([0xff]), 0, 1, Math.floor(fs.fstatSync(handle).size * 0.4));
  fs.closeSync(handle);
  expect(await runProgram('--verify', dir)).toMatchObject({ code: 1, said: { error: 'log_damaged' } });
});

test('the index can be deleted: it is built again from the log', async () => {
  const { dir, events } = await directoryWith(1_000);
  fs.rmSync(path.join(dir, 'index'), { recursive: true });
  const { node, client } = await running({ dir });
  expect((await collect(client.readAll())).map(essence)).toEqual(events);
  expect(await collect(client.readStream('stream-7'))).toHaveLength(100);
  await client.appendToStream('stream-7', numbered(1), { expectedRevision: 99n });
  await node.stop();
  const again = await running({ dir });
  expect(await collect(again.client.readStream('stream-7'))).toHaveLength(101);
});

test('the log of another directory is refused', async () => {
  const one = await directoryWith(5);
  const two = await directoryWith(50);
  fs.copyFileSync(two.log, one.log);
  expect(await codeOf(startEventStore({ dir: one.dir }))).toBe('index_of_another_log');
  fs.writeFileSync(one.log, 'this is not a log, but it is longer than the header of one would be, see');
  expect(await codeOf(startEventStore({ dir: one.dir }))).toBe('not_a_log');
});

test('a backup of a running server holds what was acknowledged before, and serves it', async () => {
  const dir = temporaryDirectory();
  const to = path.join(temporaryDirectory(), 'copy');
  const { client } = await running({ dir });
  await Promise.all(range(0, 500).map((i) => client.appendToStream(`stream-${i % 10}`, numbered(i))));
  const before = (await collect(client.readAll())).map(essence);
  const appending = Promise.all(range(0, 2_000).map((i) => client.appendToStream(`more-${i}`, numbered(i))));
  const { code, said } = await runProgram('--backup', dir, '--to', to);
  expect(code).toBe(0);
  await appending;

  expect(await runProgram('--backup', dir, '--to', to)).toMatchObject({
    code: 1,
    said: { error: 'backup_exists' },
  });
  const restored = await running({ dir: to });
  const events = (await collect(restored.client.readAll())).map(essence);
  expect(events.slice(0, 500)).toEqual(before);
  expect(events).toHaveLength(Number(said.events));
});
