import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Log, type RecordAt } from '../../../src/adapters/embedded-event-store/log/log.js';
import { LogTail } from '../../../src/adapters/embedded-event-store/log/log-tail.js';
import { memoryLog } from '../../../src/adapters/embedded-event-store/log/memory-log.js';
import { readRecord, visitRecords } from '../../../src/adapters/embedded-event-store/log/read-records.js';
import {
  FLAG_END_OF_APPEND,
  recordBytes,
  recordData,
  writeRecord,
} from '../../../src/adapters/embedded-event-store/log/record.js';
import { LOG_HEADER_BYTES } from '../../../src/adapters/embedded-event-store/log/storage.js';
import { randomUuid } from '../../../src/adapters/embedded-event-store/store/metadata.js';
import { range } from './support.js';

/** A log of events whose data is a number and a filler of its size; reads at once take as long as said. */
function logOf(sizes: readonly number[], slowMs = 0) {
  const name = Buffer.from('stream');
  const events = sizes.map((size, i) => ({
    id: randomUuid(),
    type: Buffer.from('T'),
    isJson: false,
    metadata: Buffer.alloc(0),
    data: Buffer.from(`${i}:${'x'.repeat(size)}`),
  }));
  const bytes = Buffer.alloc(events.reduce((sum, event) => sum + recordBytes(name, event), LOG_HEADER_BYTES));
  const positions: number[] = [];
  let at = LOG_HEADER_BYTES;
  events.forEach((event, i) => {
    positions.push(at);
    at = writeRecord(bytes, at, name, event, i, 1, FLAG_END_OF_APPEND);
  });
  const reads = { now: 0, later: 0 };
  const storage = {
    ...memoryLog(),
    readSync: (into: Buffer, position: number): number => {
      reads.now++;
      for (const started = performance.now(); performance.now() - started < slowMs; );
      return bytes.copy(into, 0, position, position + into.length);
    },
    read: async (into: Buffer, position: number): Promise<number> => {
      reads.later++;
      await sleep(1);
      return bytes.copy(into, 0, position, position + into.length);
    },
  };
  const log = new Log(storage, new LogTail(), bytes.length);
  return { log, positions, reads };
}

const numberOf = ({ bytes, at }: RecordAt): number =>
  Number(recordData(bytes, at).toString('utf8').split(':')[0]);

test('records of all sizes are found, in whatever order they are wanted', async () => {
  const { log, positions } = logOf(range(0, 300).map((i) => (i % 50 === 7 ? 200_000 : (i * 37) % 3_000)));
  for (const wanted of [range(0, 300), range(0, 300).reverse(), [299, 0, 7, 57, 6, 8, 7, 7]]) {
    const seen: number[] = [];
    await visitRecords(
      log,
      wanted.map((i) => positions[i] as number),
      (record) => {
        seen.push(numberOf(record));
        return undefined;
      },
    );
    expect(seen).toEqual(wanted);
  }
});

test('neighbours come with one read', async () => {
  const { log, positions, reads } = logOf(range(0, 100).map(() => 300));
  await visitRecords(log, positions, () => undefined);
  expect(reads.now).toBe(1);
});

test('readers that wait for their clients do not see the records of others', async () => {
  const { log, positions } = logOf(range(0, 200).map((i) => 100 + i * 20));
  const reader = async (first: number): Promise<number[]> => {
    const seen: number[] = [];
    await visitRecords(log, positions.slice(first, first + 50), (record) => {
      seen.push(numberOf(record));
      return seen.length % 3 === 0 ? sleep(1) : undefined;
    });
    return seen;
  };
  const firsts = [0, 50, 100, 150, 25, 75];
  const seen = await Promise.all(firsts.map(reader));
  expect(seen).toEqual(firsts.map((first) => range(first, 50)));
});

test('once a read had to wait for the disk, the rest of the call holds nobody up', async () => {
  const { log, positions, reads } = logOf(
    range(0, 20).map(() => 10_000),
    2,
  );
  const seen: number[] = [];
  await visitRecords(log, positions, (record) => {
    seen.push(numberOf(record));
    return undefined;
  });
  expect(seen).toEqual(range(0, 20));
  expect(reads.now).toBe(1);
  expect(reads.later).toBeGreaterThanOrEqual(19);
});

test('a record that is kept stays what it was', async () => {
  const { log, positions } = logOf(range(0, 10).map(() => 50));
  const [first, second] = [
    await readRecord(log, positions[3] as number),
    await readRecord(log, positions[4] as number),
  ];
  expect([first, second].map((record) => record && numberOf(record))).toEqual([3, 4]);
});

test('a position where no record is says so', async () => {
  const { log, positions } = logOf([100, 100]);
  const wrong = visitRecords(log, [(positions[1] as number) + 3], () => undefined);
  await expect(wrong).rejects.toMatchObject({ code: 'log_damaged' });
});
