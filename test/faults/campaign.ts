import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditReport, runAudit } from '../../src/audit/audit.js';
import { createDice } from '../../src/cli/demo/random.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec } from '../../src/runtime/codec.js';
import { createClient } from './client.js';
import { type FaultHouse, startFaultHouse } from './fault-house.js';
import { FAULTS, type FaultName } from './faults.js';
import { History, type Violation } from './history.js';
import { runLoad, setUpShop } from './load.js';
import { checkAnswers, checkOnce, foldShop, Remembered, readLog } from './log-oracle.js';

/** Whole again, a command must be answered and everything left over followed up within this time. */
const PATIENCE_MS = 90_000;
const SETTLE_MAX_MS = 90_000;
const READ_BACK_ORDERS = 6;
/** Of one round, printed. */
const VIOLATIONS_SHOWN = 20;

export interface RoundPlan {
  readonly round: number;
  readonly customers: number;
  readonly concurrency: number;
  /** When how many commands were sent, in order. The next begins when the one before has healed. */
  readonly faults: readonly { readonly afterCommands: number; readonly names: readonly FaultName[] }[];
}

export interface CampaignOptions {
  readonly seed: number;
  readonly apis?: number;
  readonly say?: (line: string) => void;
}

export interface RoundReport {
  readonly round: number;
  readonly commands: number;
  readonly attempts: number;
  /** The longest that an answer, or none, took: whether the faults were felt. */
  readonly slowestMs: number;
  readonly events: number;
  readonly faults: readonly FaultName[];
  readonly violations: readonly Violation[];
}

/** One house, many rounds: load, faults amid it, everything healed and settled, then the oracle over log and tables. */
export class Campaign {
  readonly history = new History();
  readonly #remembered = new Remembered();
  readonly #poisoned = new Set<string>();
  readonly #codec = createCodec(allEventDefinitions);
  #violations: Violation[] = [];

  private constructor(
    private readonly house: FaultHouse,
    private readonly options: CampaignOptions,
  ) {}

  static async start(options: CampaignOptions): Promise<Campaign> {
    let campaign: Campaign | undefined;
    const { apis } = options;
    const house = await startFaultHouse({
      ...(apis === undefined ? {} : { apis }),
      violated: (violation) => campaign?.violated(violation),
    });
    try {
      campaign = new Campaign(house, options);
      await setUpShop(campaign.client());
      return campaign;
    } catch (error) {
      await house.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.house.stop();
  }

  private say(line: string): void {
    this.options.say?.(line);
  }

  private violated = (violation: Violation): void => {
    this.#violations.push(violation);
    if (this.#violations.length <= VIOLATIONS_SHOWN)
      this.say(`  VIOLATION ${violation.code}: ${violation.detail}`);
  };

  private client() {
    const { urls, adminKey } = this.house;
    const { history, violated } = this;
    return createClient({ urls, key: adminKey, history, patienceMs: PATIENCE_MS, violated });
  }

  /** Never throws for what the house does wrong: that is a violation. */
  async round(plan: RoundPlan): Promise<RoundReport> {
    const { seed } = this.options;
    const { round, customers, concurrency } = plan;
    this.#violations = [];
    const commandsBefore = this.history.commands.length;
    const attemptsBefore = this.history.attempts;
    const client = this.client();
    let sent = 0;
    let over = false;
    let healed = plan.faults.length === 0;
    const done: FaultName[] = [];
    const loading = runLoad({
      client,
      round,
      seed,
      customers,
      concurrency,
      enough: () => healed,
      onSent: (commands) => {
        sent = commands;
      },
    }).finally(() => {
      over = true;
    });
    const breaking = (async () => {
      const dice = createDice((seed * 31 + round * 104_729) >>> 0);
      for (const { afterCommands, names } of plan.faults) {
        while (sent < afterCommands && !over) await sleep(5);
        this.say(`  after ${sent} commands: ${names.join(' + ')}`);
        const context = {
          house: this.house,
          dice,
          round,
          poisoned: this.#poisoned,
          violated: this.violated,
          say: (line: string) => this.say(line),
        };
        await Promise.all(
          names.map((name) =>
            FAULTS[name](context).catch((error: unknown) =>
              this.violated({
                code: 'harness',
                detail: `${name}: ${error instanceof Error ? error.stack : error}`,
              }),
            ),
          ),
        );
        done.push(...names);
      }
    })().finally(() => {
      healed = true;
    });
    await Promise.all([loading, breaking]);
    await this.house
      .untilReady()
      .catch((error: unknown) => this.violated({ code: 'not_up_again', detail: String(error) }));
    const events = await this.judge().catch((error: unknown) => {
      this.violated({ code: 'harness', detail: error instanceof Error ? `${error.stack}` : String(error) });
      return 0;
    });
    await this.readBack(client, round);
    return {
      round,
      commands: this.history.commands.length - commandsBefore,
      attempts: this.history.attempts - attemptsBefore,
      slowestMs: Math.max(
        0,
        ...this.history.commands
          .slice(commandsBefore)
          .flatMap((one) => one.attempts.map((each) => each.durationMs)),
      ),
      events,
      faults: done,
      violations: this.#violations,
    };
  }

  /** Waits until nothing is left to do, then asks every oracle. How many events there are. */
  private async judge(): Promise<number> {
    const { store } = this.house;
    const endAt = performance.now() + SETTLE_MAX_MS;
    let log = await readLog(store);
    let shop = foldShop(log);
    let report: AuditReport | undefined;
    for (;;) {
      if (shop.unsettled.length === 0) {
        report = await this.audit();
        if (report !== undefined && report.behind === 0 && report.ledger.unposted === 0) break;
      }
      if (performance.now() > endAt) break;
      await sleep(500);
      log = await readLog(store);
      shop = foldShop(log);
    }
    for (const violation of [...this.#remembered.check(log), ...checkOnce(log), ...shop.violations])
      this.violated(violation);
    for (const violation of checkAnswers(log, this.history.commands)) this.violated(violation);
    for (const what of shop.unsettled) this.violated({ code: 'unsettled', detail: what });
    if (report === undefined) this.violated({ code: 'no_audit', detail: 'the audit did not come to an end' });
    else this.judgeAudit(report);
    return log.length;
  }

  private async audit(): Promise<AuditReport | undefined> {
    const { store, db } = this.house;
    return runAudit({ store, codec: this.#codec, db }).catch((error: unknown) => {
      this.say(`  audit: ${String(error)}`);
      return undefined;
    });
  }

  /** A hand wrote poison into some streams: exactly that may be wrong, and nothing beside it. */
  private judgeAudit({ tables, violations, parked, behind, ledger }: AuditReport): void {
    const fail = (detail: string): void => this.violated({ code: 'audit', detail });
    for (const { table, differences, first } of tables) {
      if (differences > 0) fail(`${table}: ${differences} rows differ, first ${JSON.stringify(first[0])}`);
    }
    for (const { code, stream, detail } of violations.first) {
      if (!this.#poisoned.has(stream)) fail(`${code} ${stream}: ${detail}`);
    }
    const parkedNow = new Set(parked.map(({ stream }) => stream));
    for (const stream of parkedNow) if (!this.#poisoned.has(stream)) fail(`${stream} is parked`);
    for (const stream of this.#poisoned)
      if (!parkedNow.has(stream)) fail(`${stream} is poisoned and not parked`);
    if (behind > 0) fail(`the read models are ${behind} events behind`);
    if (ledger.unposted > 0) fail(`${ledger.unposted} causes have no entry`);
  }

  /** What was acknowledged is what is read back, at its position, over HTTP. */
  private async readBack(client: ReturnType<Campaign['client']>, round: number): Promise<void> {
    const placed = this.history.commands.filter(
      ({ kind, answer, round: of }) => of === round && kind === 'place' && (answer?.status ?? 500) < 300,
    );
    for (const { stream, answer } of placed.slice(-READ_BACK_ORDERS)) {
      const id = encodeURIComponent(stream.slice('order-'.length));
      const found = await client.read(`/v1/orders/${id}?after=${answer?.position}`);
      const same = found?.httpStatus === 200 && found.externalId === answer?.body.externalId;
      if (!same)
        this.violated({
          code: 'not_read_back',
          detail: `${stream}: ${JSON.stringify(found)?.slice(0, 200)}`,
        });
    }
  }
}
