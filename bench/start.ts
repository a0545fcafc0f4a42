import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startEventStore } from '../src/adapters/embedded-event-store/start.js';
import { orderIdOf } from '../src/domain/stream-id.js';
import { type BenchOutcome, check, type Figure, figure } from './report.js';
import { CHANNEL, DURABILITY, readAlone, withStore } from './support.js';
import { cutLog, type WrittenLog } from './write-log.js';

const READY_MAX_SECONDS = 3;

/** How long the embedded event store takes until it answers, and what an event takes on the disk. */
export const benchStart = async (dir: string, log: WrittenLog, events: number): Promise<BenchOutcome> => {
  const dataDir = join(dir, 'start');
  const { events: written } = await cutLog(log, events, dataDir);
  const storeDir = join(dataDir, 'event-store');
  const figures: Figure[] = [];
  const answers: boolean[] = [];
  const ready = new Map<string, number>();
  let read = 0;
  for (const how of ['without an index', 'after a clean stop', 'after kill -9']) {
    const began = performance.now();
    const node = await startEventStore({ dir: storeDir });
    ready.set(how, (performance.now() - began) / 1_000);
    figures.push(figure(`ready ${how}`, ready.get(how) ?? Number.NaN, 's'));
    answers.push(
      await withStore(node.connectionString, '', async (store) => {
        for await (const batch of store.readStream(`order-${orderIdOf(CHANNEL, 'past-7')}`, 0)) {
          return batch[0]?.type === 'OrderPlaced';
        }
        return false;
      }),
    );
    const resident = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))?.[1];
    figures.push(figure(`anonymous memory ${how}`, Number(resident) / 1_024, 'MiB'));
    if (how === 'after kill -9') read = (await readAlone(node.connectionString)).events;
    if (how === 'after a clean stop') {
      node.kill('SIGKILL');
      await node.exited;
    } else await node.stop();
  }
  const bytesOf = (name: string): number => statSync(join(storeDir, name)).size / written;
  return {
    conditions: `${written} events in the log, embedded event store in a process of its own; ${DURABILITY}`,
    figures: [
      ...figures,
      figure('log on the disk, per event', bytesOf('events.log'), 'B'),
      figure('index on the disk, per event', bytesOf('index/data.mdb'), 'B'),
    ],
    reaches: ['after a clean stop', 'after kill -9'].map((how) => ({
      what: `start: ready ${how}`,
      limit: READY_MAX_SECONDS,
      direction: 'at most',
      got: ready.get(how) ?? Number.NaN,
      unit: 's',
    })),
    checks: [
      check('a stream was read right after each start', answers.every(Boolean)),
      check(`all ${written} events are there in the end`, read === written),
    ],
  };
};
