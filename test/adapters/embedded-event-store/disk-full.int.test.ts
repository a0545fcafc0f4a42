import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client';
import { expect, test } from '@jest/globals';
import { collect, finallyDo, numbered, range, temporaryDirectory } from './support.js';

const PROGRAM = path.join(import.meta.dirname, '../../../dist/adapters/embedded-event-store/main.js');

const numberOf = ({ event }: ResolvedEvent): number => {
  const data: unknown = event?.data;
  return typeof data === 'object' && data !== null && 'number' in data ? Number(data.number) : Number.NaN;
};

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// A limit on the size of files stands for a full disk: the write fails part way, and can be allowed again.
(hasPrlimit() ? test : test.skip)(
  'a full disk is an error to the client, stores nothing of the append, and heals',
  async () => {
    const dir = temporaryDirectory();
    // Ignored signals are inherited; without this the kernel would kill the server instead of failing its write.
    const child = spawn(
      'bash',
      ['-c', `trap '' XFSZ; ulimit -S -f 1024; exec "$@"`, 'bash', process.execPath, PROGRAM, '--dir', dir],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    finallyDo(async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    });
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const client = EventStoreDBClient.connectionString(JSON.parse(String(line)).connectionString);
    finallyDo(() => client.dispose());

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

    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
    const result = await client.appendToStream('stream-1', numbered(99, filler), {
      expectedRevision: BigInt(stored.length - 1),
    });
    expect(result.nextExpectedRevision).toBe(BigInt(stored.length));
    expect(await numbers()).toEqual([...stored, 99]);
    expect((await collect(client.readAll())).length).toBe(stored.length + 1);
  },
);
