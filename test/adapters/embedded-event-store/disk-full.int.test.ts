import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import {
  clientOf,
  collect,
  finallyDo,
  numbered,
  numberOf,
  PROGRAM,
  range,
  running,
  runProgram,
  temporaryDirectory,
} from './support.js';

/** A file system of so many MiB, gone after the test. Undefined, with the reason printed, where nobody may mount one. */
function smallDisk(mib: number): string | undefined {
  const directory = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    console.warn(`not run on a full disk: no file system can be mounted here: ${error}`);
    return undefined;
  }
  finallyDo(() => void execFileSync('umount', ['--lazy', directory]));
  return directory;
}

test('a disk that is full fails appends, keeps what was acknowledged, and heals; also across a kill', async () => {
  const disk = smallDisk(8);
  if (disk === undefined) return;
  const dir = path.join(disk, 'store');
  const ballast = path.join(disk, 'ballast');
  fs.writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
  const lines: string[] = [];
  const first = await running({ dir, log: (line) => lines.push(line) });
  const acknowledged: number[] = [];
  let failed = 0;
  const appendSome = async (client: EventStoreDBClient, from: number): Promise<void> => {
    // Two events each, of sizes that end anywhere in a block: an append in part would show.
    await Promise.all(
      range(from, 60).map((i) =>
        client.appendToStream('stream-1', [numbered(i, 'x'.repeat(20_000 + i * 7)), numbered(i)]).then(
          () => acknowledged.push(i, i),
          () => failed++,
        ),
      ),
    );
  };
  for (const from of [0, 60, 120, 180]) await appendSome(first.client, from);
  expect(acknowledged.length).toBeGreaterThan(20);
  expect(failed).toBeGreaterThan(20);
  expect(lines.join()).toContain('ENOSPC');
  const numbers = async (client: EventStoreDBClient) =>
    (await collect(client.readStream('stream-1'))).map(numberOf);
  expect(await numbers(first.client)).toEqual(acknowledged);

  // With room for a part of a group its write fails half way, behind whole appends: they failed too.
  const makeRoom = (kib: number): void => fs.truncateSync(ballast, fs.statSync(ballast).size - kib * 1024);
  makeRoom(400);
  await appendSome(first.client, 240);
  expect(await numbers(first.client)).toEqual(acknowledged);

  // Killed while the disk is full, it starts again with room for its lock and little else, and serves what there is.
  first.node.kill('SIGKILL');
  await first.node.exited;
  makeRoom(64);
  const second = await running({ dir });
  expect(await numbers(second.client)).toEqual(acknowledged);
  await expect(second.client.appendToStream('stream-1', numbered(0, 'x'.repeat(900_000)))).rejects.toThrow();

  fs.rmSync(ballast);
  await appendSome(second.client, 300);
  expect(await numbers(second.client)).toEqual(acknowledged);
  expect(acknowledged.slice(-2)).toEqual([359, 359]);
  await second.node.stop();
  expect(await runProgram('--verify', dir)).toMatchObject({
    code: 0,
    said: { events: acknowledged.length, unfinishedBytes: 0 },
  });
  expect(await numbers(clientOf((await running({ dir })).node))).toEqual(acknowledged);
});

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// A limit on the size of files needs no rights: writes fail part way, and can be allowed again.
const limited = hasPrlimit() ? test : test.skip;

/** A server whose files may have so many KiB, how to lift that limit, and how to stop it. */
async function runningWithin(dir: string, fileKib: number) {
  // Ignored signals are inherited; without this the kernel would kill the server instead of failing its write.
  const limit = `trap '' XFSZ; ulimit -S -f ${fileKib}; exec "$@"`;
  const child = spawn('bash', ['-c', limit, 'bash', process.execPath, PROGRAM, '--dir', dir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  };
  finallyDo(stop);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const client = EventStoreDBClient.connectionString(JSON.parse(String(line)).connectionString);
  finallyDo(() => client.dispose());
  return {
    client,
    stop,
    lift: () => execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']),
  };
}

limited('a full disk is an error to the client, stores nothing of the append, and heals', async () => {
  const { client, lift } = await runningWithin(temporaryDirectory(), 1024);
  const filler = 'x'.repeat(50_000);
  const stored: number[] = [];
  let failed = 0;
  for (const i of range(0, 40)) {
    await client.appendToStream('stream-1', numbered(i, filler)).then(
      () => stored.push(i),
      () => failed++,
    );
  }
  expect(stored.length).toBeGreaterThan(10);
  expect(failed).toBeGreaterThan(10);
  const numbers = async () => (await collect(client.readStream('stream-1'))).map(numberOf);
  expect(await numbers()).toEqual(stored);

  lift();
  const result = await client.appendToStream('stream-1', numbered(99, filler), {
    expectedRevision: BigInt(stored.length - 1),
  });
  expect(result.nextExpectedRevision).toBe(BigInt(stored.length));
  expect(await numbers()).toEqual([...stored, 99]);
  expect(await collect(client.readAll())).toHaveLength(stored.length + 1);
});

limited('an index that cannot be written is caught up with when there is room again', async () => {
  const dir = temporaryDirectory();
  // The index of a thousand streams needs more than this before their log does.
  const { client, lift, stop } = await runningWithin(dir, 160);
  const stored: string[] = [];
  for (const batch of range(0, 30)) {
    const names = range(0, 40).map(
      (i) => `stream-with-a-name-that-fills-the-index-${'n'.repeat(60)}-${batch}-${i}`,
    );
    await Promise.all(
      names.map((name, i) =>
        client.appendToStream(name, numbered(i)).then(
          () => stored.push(name),
          () => undefined,
        ),
      ),
    );
    // The index follows every half second.
    if (batch % 10 === 9) await sleep(700);
  }
  expect(stored.length).toBeGreaterThan(300);
  expect(await collect(client.readAll())).toHaveLength(stored.length);
  lift();
  await client.appendToStream('stream-more', numbered(1));
  await sleep(700);
  await stop();

  const again = await running({ dir });
  expect(await collect(again.client.readAll())).toHaveLength(stored.length + 1);
  for (const name of stored.slice(-50)) expect(await collect(again.client.readStream(name))).toHaveLength(1);
});
