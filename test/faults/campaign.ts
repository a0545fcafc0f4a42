import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditReport, runAudit } from '../../src/audit/audit.js';
import { createDice } from '../../src/cli/demo/random.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec } from '../../src/runtime/codec.js';
import { type Client, createClient } from './client.js';
import type { FaultContext } from './fault-context.js';
import { type FaultHouse, startFaultHouse } from './fault-house.js';
import { FAULT_NAMES, FAULTS, type FaultName, possible } from './faults.js';
import { History, type Violation } from './history.js';
import { runLoad, setUpShop } from './load.js';
import { checkAnswers } from './oracle/answers.js';
import { checkOnce, Remembered } from './oracle/once.js';
import { checkProvider, readProvider } from './oracle/provider.js';
import { readLog } from './oracle/raw-log.js';
import { foldShop } from './oracle/shop.js';
import { checkTables } from './oracle/tables.js';
import type { RoundPlan } from './plan.js';

/** Whole again, a command must be answered and everything left over followed up within this time. */
const PATIENCE_MS = 90_000;
const SETTLE_MAX_MS = 90_000;
const READ_BACK_ORDERS = 6;
/** Of one round, printed. */
const VIOLATIONS_SHOWN = 20;

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
  /** The same with whom each of them struck, such as `log_half_open api`. */
  readonly struck: readonly string[];
  readonly violations: readonly Violation[];
}

const storyOf = (error: unknown): string => (error instanceof Error ? `${error.stack}` : String(error));

/** One house, many rounds: load, faults amid it, everything healed and settled, then the oracle over log and tables. */
export class Campaign {
  readonly history = new History();
  readonly #remembered = new Remembered();
  readonly #poisoned = new Set<string>();
  readonly #codec = createCodec(allEventDefinitions);
  #violations: Violation[] = [];

  private constructor(
    readonly house: FaultHouse,
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

  /** The faults that this machine allows, of those that are asked for; says what is left out, and why. */
  possible(names: readonly FaultName[] = FAULT_NAMES): FaultName[] {
    const { names: allowed, skipped } = possible(this.house.servers, names);
    for (const line of skipped) this.say(line);
    return allowed;
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

  private client(): Client {
    const { urls, adminKey } = this.house;
    const { history, violated } = this;
    return createClient({ urls, key: adminKey, history, patienceMs: PATIENCE_MS, violated });
  }

  /**
   * Never throws for what the house does wrong: that is a violation. `tamper` runs between the end of the load and the oracle, for those
   * who want to see it find something.
   */
  async round(plan: RoundPlan, tamper?: () => Promise<void>): Promise<RoundReport> {
    const { round } = plan;
    this.#violations = [];
    const commandsBefore = this.history.commands.length;
    const attemptsBefore = this.history.attempts;
    const client = this.client();
    const struck = await this.attack(plan, client);
    await this.house
      .untilReady()
      .catch((error: unknown) => this.violated({ code: 'not_up_again', detail: String(error) }));
    const events = await this.judge(tamper).catch((error: unknown) => {
      this.violated({ code: 'harness', detail: storyOf(error) });
      return 0;
    });
    await this.readBack(client, round);
    const commands = this.history.commands.slice(commandsBefore);
    return {
      round,
      commands: commands.length,
      attempts: this.history.attempts - attemptsBefore,
      slowestMs: Math.max(
        0,
        ...commands.flatMap(({ attempts }) => attempts.map(({ durationMs }) => durationMs)),
      ),
      events,
      faults: struck.map(({ name }) => name),
      struck: struck.map(({ name, whom }) => `${name} ${whom}`.trim()),
      violations: this.#violations,
    };
  }

  /** Load with the plan's faults amid it; resolves when both are over. */
  private async attack(plan: RoundPlan, client: Client): Promise<{ name: FaultName; whom: string }[]> {
    const { seed } = this.options;
    const { round, customers, concurrency } = plan;
    let sent = 0;
    let over = false;
    let healed = plan.faults.length === 0;
    const struck: { name: FaultName; whom: string }[] = [];
    const onSent = (commands: number): void => {
      sent = commands;
    };
    const loading = runLoad({
      client,
      round,
      seed,
      customers,
      concurrency,
      patient: plan.patient !== false,
      enough: () => healed,
      onSent,
    }).finally(() => {
      over = true;
    });
    const breaking = (async () => {
      for (const [index, { afterCommands, names }] of plan.faults.entries()) {
        while (sent < afterCommands && !over) await sleep(5);
        this.say(`  after ${sent} commands: ${names.join(' + ')}`);
        await Promise.all(
          names.map(async (name, beside) => {
            // Of its own, so that what one fault does not depend on how fast another is.
            const dice = createDice((seed * 31 + round * 104_729 + index * 1_299_709 + beside) >>> 0);
            const whom = await this.strike(name, { dice, round, everybody: plan.everybody === true });
            struck.push({ name, whom });
          }),
        );
      }
    })().finally(() => {
      healed = true;
    });
    await Promise.all([loading, breaking]);
    return struck;
  }

  private async strike(
    name: FaultName,
    given: Pick<FaultContext, 'dice' | 'round' | 'everybody'>,
  ): Promise<string> {
    const { house, violated } = this;
    const say = (line: string): void => this.say(line);
    try {
      return await FAULTS[name]({ ...given, house, poisoned: this.#poisoned, violated, say });
    } catch (error) {
      violated({ code: 'harness', detail: `${name}: ${storyOf(error)}` });
      return '';
    }
  }

  /** Waits until nothing is left to do, then asks every oracle. How many events there are. */
  private async judge(tamper: (() => Promise<void>) | undefined): Promise<number> {
    await this.settled();
    await tamper?.();
    const log = await readLog(this.house.servers.store);
    const shop = foldShop(log);
    for (const violation of [
      ...this.#remembered.check(log),
      ...checkOnce(log),
      ...shop.violations,
      ...checkAnswers(log, this.history.commands),
      ...checkProvider(await readProvider(this.house.servers.db), log),
      ...shop.unsettled.map((detail) => ({ code: 'unsettled', detail })),
    ])
      this.violated(violation);
    const report = await this.audit();
    if (report === undefined) this.violated({ code: 'no_audit', detail: 'the audit did not come to an end' });
    else for (const violation of checkTables(report, this.#poisoned)) this.violated(violation);
    return log.length;
  }

  /** Until nothing is left to follow, to post or to project, or patience is over: then the oracle says what. */
  private async settled(): Promise<void> {
    const endAt = performance.now() + SETTLE_MAX_MS;
    while (performance.now() < endAt) {
      const { unsettled } = foldShop(await readLog(this.house.servers.store));
      const report = unsettled.length === 0 ? await this.audit() : undefined;
      if (report !== undefined && report.behind === 0 && report.ledger.unposted === 0) return;
      await sleep(500);
    }
  }

  private async audit(): Promise<AuditReport | undefined> {
    const { store, db } = this.house.servers;
    return runAudit({ store, codec: this.#codec, db }).catch((error: unknown) => {
      this.say(`  audit: ${String(error)}`);
      return undefined;
    });
  }

  /** What was acknowledged is what is read back, at its position, over HTTP. */
  private async readBack(client: Client, round: number): Promise<void> {
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
