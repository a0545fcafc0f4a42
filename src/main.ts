import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino, { type Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createEventStore } from './adapters/event-store/event-store.js';
import { createKeyFile, type KeyFile } from './adapters/key-file/key-file.js';
import { createTrialProvider } from './adapters/payments/trial-provider.js';
import { connectDatabase } from './adapters/postgres/connect.js';
import { migrate } from './adapters/postgres/migrate.js';
import { createVault } from './adapters/postgres/vault.js';
import { allEventDefinitions } from './domain/events.js';
import { openServices, type Services } from './embedded.js';
import { createHouseMetrics, type HouseMetrics } from './metrics.js';
import { type ConsignmentProcess, createConsignmentProcess } from './processes/consignment-process.js';
import { createExchangeProcess } from './processes/exchange-process.js';
import { createOrderProcess, type OrderProcess } from './processes/order-process.js';
import { createPaymentProcess, type PaymentProcess } from './processes/payment-process.js';
import { createPoster, type Poster, PosterStopped } from './processes/poster.js';
import { createReturnProcess, type ReturnProcess } from './processes/return-process.js';
import { createWatchdog } from './processes/watchdog.js';
import { allProjections } from './projections/index.js';
import { createTodo } from './projections/todo.js';
import { LIVE_CHECKPOINT, readCheckpoint } from './runtime/checkpoint.js';
import { systemClock } from './runtime/clock.js';
import { createCodec, type EventCodec } from './runtime/codec.js';
import type { CommandBus } from './runtime/command-bus.js';
import { createCommandRunner } from './runtime/command-runner.js';
import { type Database, DatabaseUnavailable } from './runtime/database.js';
import { comparePositions, type EventStore, type LogPosition } from './runtime/event-store.js';
import { acquireLease } from './runtime/leases.js';
import { limitLines } from './runtime/line-limit.js';
import { ensureLogIdentity } from './runtime/log-identity.js';
import { MODEL_SETS } from './runtime/model-sets.js';
import { categoriesOf } from './runtime/projection-build.js';
import { createProjectionRunner } from './runtime/projection-runner.js';
import { createTablesOnce, isBuiltBy } from './runtime/projection-tables.js';
import { createReadModelLag } from './runtime/read-model-lag.js';
import { ensureViews } from './runtime/reporting-views.js';
import { SnapshotTable } from './runtime/snapshot-table.js';
import type { Vault } from './runtime/vault.js';
import type { Settings } from './settings.js';

/** Everything of one Holdfast process, composed. Nothing runs until a role is started. */
export interface House {
  readonly settings: Settings;
  readonly services: Services;
  readonly log: Logger;
  readonly registry: Registry;
  readonly metrics: HouseMetrics;
  readonly logId: string;
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly db: Database;
  readonly bus: CommandBus;
  readonly orders: OrderProcess;
  readonly returns: ReturnProcess;
  readonly payments: PaymentProcess;
  /** Names of the providers that payments can be asked of. */
  readonly providers: readonly string[];
  readonly consignments: ConsignmentProcess;
  readonly poster: Poster;
  readonly vault: Vault;
  readonly vaultKeys: KeyFile;
  /**
   * Keeps the read models up to date until the signal aborts; one process at a time does, the others wait. `onMoved` hears the name of
   * the checkpoint after each commit.
   */
  runProjections(signal: AbortSignal, onMoved?: (checkpoint: string) => void): Promise<void>;
  /** Posts to the ledger, expires what is due, advances what was left behind; one process at a time. */
  runProcesses(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the ledger and the read models have everything that is in the log now. Needs somebody who runs the
   * projections; posts to the ledger itself. Throws when they do not move for {@link STALLED_AFTER_MS}.
   */
  catchUp(onProgress?: (position: LogPosition, end: LogPosition) => void): Promise<LogPosition>;
  /** Finishes what is in flight, leaves nothing locked, stops the embedded parts it started. */
  close(): Promise<void>;
}

const CATCH_UP_POLL_MS = 50;
const REBUILD_TOLD_EVERY_MS = 10_000;
export const STALLED_AFTER_MS = 60_000;

/** Lines that wait because they cannot be written; beyond it they are dropped. */
const LOG_WAITING_MAX_BYTES = 1024 * 1024;

/** On standard output. That it cannot be written, with a full disk or no reader, must not end what it speaks of. */
const createLog = (level: string): Logger => {
  // Synchronous: at exit the other kind waits for ever for room for its last lines (sonic-boom 4, flushSync).
  const lines = pino.destination({ fd: 1, sync: true, maxLength: LOG_WAITING_MAX_BYTES });
  lines.on('error', () => undefined);
  return pino({ level }, lines);
};

/** Opens the house of these settings: services, migrations, the log's identity. Throws `log_mismatch` and what the parts throw. */
export const openHouse = async (settings: Settings): Promise<House> => {
  const log = createLog(settings.logLevel);
  const services = await openServices(settings);
  try {
    return await compose(settings, services, log);
  } catch (error) {
    await services.stop();
    throw error;
  }
};

/** Over tables of another version the views are its own; they are made with the tables when those are built anew. */
const makeReporting = async (db: Database): Promise<void> => {
  if (await isBuiltBy(db, allProjections, 'live')) await ensureViews(db, allProjections);
};

const compose = async (settings: Settings, services: Services, log: Logger): Promise<House> => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = createHouseMetrics(registry);
  const codec = createCodec(allEventDefinitions);
  const store = createEventStore({
    connectionString: services.eventStoreUrl,
    namespace: settings.namespace,
    onTrouble: limitLines({
      kindOf: ({ kind }) => kind,
      write: (trouble, times) => log.warn({ ...trouble, times }, 'event store'),
    }),
  });
  let db: Database | undefined;
  try {
    await migrate(services.databaseUrl);
    db = await connectDatabase({ url: services.databaseUrl, applicationName: 'holdfast' });
    const logId = await ensureLogIdentity(store, db, codec, categoriesOf(allProjections));
    await createTablesOnce(db, allProjections);
    await makeReporting(db);
    return assemble({ settings, services, log, registry, metrics, codec, store, db, logId });
  } catch (error) {
    await Promise.all([store.close(), db?.close()]);
    throw error;
  }
};

/** An embedded database has one owner, who gets a key; one of many processes must be given the same key everywhere. */
const vaultKeysOf = (settings: Settings, db: Database): KeyFile => {
  const { vaultKeyFile, databaseUrl, dataDir } = settings;
  if (vaultKeyFile !== undefined || databaseUrl !== undefined) return createKeyFile({ file: vaultKeyFile });
  const mayCreate = async (): Promise<boolean> =>
    (await db.query('SELECT 1 FROM vault.keys LIMIT 1')).rowCount === 0;
  return createKeyFile({ file: join(resolve(dataDir), 'vault.key'), mayCreate });
};

type Parts = Pick<
  House,
  'settings' | 'services' | 'log' | 'registry' | 'metrics' | 'codec' | 'store' | 'db' | 'logId'
>;

const assemble = (parts: Parts): House => {
  const { settings, services, log, metrics, codec, store, db } = parts;
  const vaultKeys = vaultKeysOf(settings, db);
  const vault = createVault({ db, keys: vaultKeys });
  const holder = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const snapshots = new SnapshotTable({
    db,
    onOutcome: metrics.snapshot,
    onError: (error, stream) => log.warn({ err: error, stream }, 'snapshots'),
  });
  const bus = createCommandRunner({ store, codec, snapshots, metrics: metrics.commands });
  /** One line for what fails by the hundred while a part is away. */
  const troubleOf = (part: string, level: 'warn' | 'error') => {
    const say = limitLines<{ readonly err: unknown; readonly what: string }>({
      kindOf: ({ what }) => what,
      write: (line, times) => log[level]({ ...line, times }, part),
    });
    return (err: unknown, what: string): void => say({ err, what });
  };
  const orders = createOrderProcess(bus);
  const returns = createReturnProcess(bus);
  const providers = parts.settings.trialPayments ? [createTrialProvider(db)] : [];
  const paymentsTrouble = troubleOf('payments', 'warn');
  const payments = createPaymentProcess({
    bus,
    orders,
    providers,
    onTrouble: (error) => paymentsTrouble(error, 'provider'),
  });
  const consignments = createConsignmentProcess(bus, orders);
  const poster = createPoster({
    store,
    bus,
    codec,
    db,
    metrics: metrics.poster,
    onError: troubleOf('poster', 'error'),
  });
  const watchdog = createWatchdog({
    todo: createTodo(db),
    orders,
    returns,
    exchanges: createExchangeProcess(bus, orders),
    payments,
    consignments,
    clock: systemClock,
    lagMs: createReadModelLag({
      readEnd: () => store.readEnd(),
      readReached: async () => (await readCheckpoint(db))?.position,
    }),
    onError: troubleOf('watchdog', 'warn'),
  });

  metrics.projections.observeSets(async () => {
    const found = new Map<string, bigint>();
    for (const set of MODEL_SETS) {
      const checkpoint = await readCheckpoint(db, set);
      if (checkpoint !== undefined) found.set(set, checkpoint.position.commit);
    }
    return found;
  });

  const projectionsTrouble = troubleOf('projections', 'warn');
  const runProjections: House['runProjections'] = async (signal, onMoved) => {
    let toldAt = 0;
    const runner = createProjectionRunner({
      db,
      store,
      codec,
      projections: allProjections,
      holder,
      whenChanged: 'rebuild',
      onState: (state) => log.info({ state }, 'projections'),
      onBatch: (batch) => {
        metrics.projections.batch(batch);
        onMoved?.(LIVE_CHECKPOINT);
      },
      onParked: (stream, revision, type, error) => {
        metrics.projections.parked();
        log.error({ err: error, stream, revision, type }, 'a stream was parked');
      },
      onRetry: (error) => projectionsTrouble(error, 'tried again'),
      onRebuild: ({ events }) => {
        if (performance.now() - toldAt < REBUILD_TOLD_EVERY_MS) return;
        toldAt = performance.now();
        log.info({ events }, 'projections: building the read models of this version');
      },
    });
    metrics.projections.observe(() => runner.status);
    await runner.run(signal);
  };

  const runProcesses = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const lease = await acquireLease(db, { name: 'processes', holder, signal });
      if (lease === undefined) return;
      // Two at once would be slow and not wrong: every command they send is idempotent.
      const either = AbortSignal.any([signal, lease.lost]);
      try {
        // A cause that cannot be posted stops the ledger until somebody acts; orders go on and expire as before.
        const posting = poster.run(either).catch((error: unknown) => {
          if (!(error instanceof PosterStopped)) throw error;
          log.fatal({ err: error }, 'the poster has stopped');
        });
        await Promise.all([posting, watchdog.run(either)]);
      } finally {
        await lease.release();
      }
    }
  };

  // A database that is away for a moment is one more way for the read models to stand still.
  const whileAway = (error: unknown): [undefined, undefined] => {
    if (error instanceof DatabaseUnavailable && error.reason !== 'closed') return [undefined, undefined];
    throw error;
  };

  const catchUp: House['catchUp'] = async (onProgress) => {
    await poster.drain();
    const end = await store.readEnd();
    let before = '';
    let movedAt = performance.now();
    for (;;) {
      // Those of a new version are built beside the live ones, which stand still for so long.
      const [live, next] = await Promise.all([readCheckpoint(db), readCheckpoint(db, 'next')]).catch(
        whileAway,
      );
      const position = live?.position;
      if (end === undefined || (position !== undefined && comparePositions(position, end) >= 0)) {
        return position ?? { commit: 0n, prepare: 0n };
      }
      if (position !== undefined) onProgress?.(position, end);
      const now = `${position?.commit} ${next?.position.commit}`;
      if (now !== before) movedAt = performance.now();
      before = now;
      if (performance.now() - movedAt > STALLED_AFTER_MS) throw new Error('the read models do not move');
      await sleep(CATCH_UP_POLL_MS);
    }
  };

  const close = async (): Promise<void> => {
    await bus.close();
    await snapshots.close();
    await store.close();
    await db.close();
    await services.stop();
  };

  const names = providers.map(({ name }) => name);
  return {
    ...parts,
    bus,
    orders,
    returns,
    consignments,
    payments,
    providers: names,
    poster,
    vault,
    vaultKeys,
    runProjections,
    runProcesses,
    catchUp,
    close,
  };
};
