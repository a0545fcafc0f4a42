import { join } from 'node:path';
import { FOLDED_CATEGORIES, LogFold } from '../src/audit/fold.js';
import { auditHouse } from '../src/cli/audit.js';
import { type House, openHouse } from '../src/main.js';
import { allProjections } from '../src/projections/index.js';
import type { StoredEvent } from '../src/runtime/event-store.js';
import { rebuildInPlace } from '../src/runtime/projection-rebuild.js';
import { readSettings } from '../src/settings.js';
import { type BenchOutcome, check, figure } from './report.js';
import { cpuOfAll, DURABILITY, familyOf, median, readAlone } from './support.js';
import { cutLog, type WrittenLog } from './write-log.js';

const houseIn = (dataDir: string): Promise<House> =>
  openHouse(
    readSettings({ HOLDFAST_DATA_DIR: dataDir, HOLDFAST_LOG_LEVEL: 'error', HOLDFAST_HOST: '127.0.0.1' }),
  );

/** All that the audit folds, through our own port; events per second. */
const passOver = async ({ store }: House, take: (stored: StoredEvent) => void): Promise<number> => {
  let count = 0;
  const began = performance.now();
  for await (const { events } of store.readAll({ categories: FOLDED_CATEGORIES })) {
    for (const stored of events) take(stored);
    count += events.length;
  }
  return count / ((performance.now() - began) / 1_000);
};

/** The audit's own fold over the whole log. */
const foldAll = async (house: House): Promise<{ fold: LogFold; perSecond: number }> => {
  const fold = new LogFold();
  const perSecond = await passOver(house, (stored) => fold.read(stored, house.codec));
  return { fold, perSecond };
};

/**
 * Catch-up of all read models from nothing, and the audit's fold, over one log, each beside what the client alone can read from
 * it in the same minute.
 */
export const benchProject = async (dir: string, log: WrittenLog, events: number): Promise<BenchOutcome> => {
  const dataDir = join(dir, 'project');
  await cutLog(log, events, dataDir);
  const house = await houseIn(dataDir);
  try {
    const { services, db, store, codec } = house;
    // A shop has a ledger: what shipped is posted first, outside the clock.
    await house.poster.drain();
    const alone: number[] = [];
    const read = async (): Promise<number> => {
      const one = await readAlone(services.eventStoreUrl);
      alone.push(one.perSecond);
      return one.events;
    };
    const before = await read();
    const others = familyOf(process.pid).filter((pid) => pid !== process.pid);
    const cpuBefore = cpuOfAll(others);
    const rebuilt = await rebuildInPlace({
      db,
      store,
      codec,
      projections: allProjections,
      holder: 'bench',
    });
    const cpu = cpuOfAll(others) - cpuBefore;
    const projected = rebuilt.events / rebuilt.seconds;
    await read();
    const folds = [await foldAll(house)];
    const ours = await passOver(house, () => undefined);
    folds.push(await foldAll(house));
    await read();
    const client = median(alone);
    const folded = median(folds.map(({ perSecond }) => perSecond));
    const audit = await auditHouse(house, { quiet: true });
    const entries = audit.eventsPerType.reduce((sum, [, count]) => sum + count, 0);
    return {
      conditions: `${rebuilt.events} events of a shop (orders of 2 lines, half of them shipped and posted); ${DURABILITY}`,
      figures: [
        figure('client alone reads, events per second (median of 3)', client),
        figure('our own port reads, nothing done with them, events per second', ours),
        figure('projected, events per second', projected),
        figure('CPU per projected event, all processes', (1_000 * cpu) / rebuilt.events, 'us'),
        figure('folded by the audit, events per second', folded),
        figure('whole audit, events per second', audit.events / audit.seconds),
      ],
      reaches: [
        {
          what: 'project: catch-up of client alone',
          limit: 40,
          direction: 'at least',
          got: (100 * projected) / client,
          unit: '%',
        },
        {
          what: 'replay: fold of client alone',
          limit: 70,
          direction: 'at least',
          got: (100 * folded) / client,
          unit: '%',
        },
      ],
      checks: [
        // The client also reads the log's identity, which nobody folds.
        check(`all ${before} events were read, projected, folded`, rebuilt.events === before - 1),
        check(
          'the fold met every event and found nothing wrong',
          folds.every(({ fold }) => fold.events === before - 1 && fold.violations.count === 0),
        ),
        check('audit: no row differs from the log', audit.ok && audit.behind === 0 && entries === before - 1),
      ],
    };
  } finally {
    await house.close();
  }
};
