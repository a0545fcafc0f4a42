import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '../domain/decider.js';
import { type Answer, BatchPlan, type Waiting } from './batch-plan.js';
import type { EventCodec } from './codec.js';
import type { CommandResult } from './command-bus.js';
import { CommandQueueFull, StreamContended } from './command-errors.js';
import type { CommandMetrics, RunnerLimits } from './command-runner.js';
import type { RememberedCommand } from './command-window.js';
import { type EventStore, type LogPosition, NO_STREAM } from './event-store.js';
import { Mailbox } from './mailbox.js';
import type { StreamCache, Ticks } from './stream-cache.js';
import { TurnRequests } from './turn-requests.js';
import { Turns, type Watch } from './turns.js';

export type Result = CommandResult<DomainEvent, unknown>;

export interface Job extends Waiting {
  readonly startedAtMs: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export interface WriterParts {
  readonly store: EventStore;
  readonly codec: EventCodec;
  readonly ticks: Ticks;
  readonly limits: RunnerLimits;
  readonly metrics: CommandMetrics;
  readonly nowMs: () => number;
}

/** How often a writer that waits for others looks at the stream. */
const POLL_MS = 3;
/** It does not wait longer, whatever the others do. */
const WATCH_MAX_MS = 1_000;

/** Fewer are not worth a second append. */
const HALVED_FROM_COMMANDS = 64;

interface Batch {
  readonly jobs: Job[];
  plan: BatchPlan;
}

/**
 * The one writer of one stream in this process.
 *
 * States: idle (no loop) -> running (a loop takes batches until the mailbox is empty) -> idle. A batch goes
 *   decided -> nothing to append: answered, after one refresh unless the state was verified since its commands arrived
 *           -> appended: answered; meanwhile the next batch is decided ahead on the state this one will reach
 *           -> wrong revision: the events past the known revision are read and it is decided again, the one ahead too
 * Invariants: at most one append of this stream is in flight, because a second one at a revision that the first was to reach
 *   could land on somebody else's events of the same number. Every job is answered exactly once. A successful append at the
 *   revision decided on proves every answer of its batch, the rejections too.
 * Limits: see {@link RunnerLimits}. After a conflict the batch shrinks, to be quicker than the other; for fairness see
 * turns.ts.
 */
export class StreamWriter {
  readonly #mailbox = new Mailbox<Job>();
  /** What is being appended. */
  #inFlight: BatchPlan | undefined;
  #ahead: Batch | undefined;
  #aheadPlanned = false;
  readonly #turns = new Turns();
  readonly #requests: TurnRequests;
  #running = false;
  #batchLimit: number;

  constructor(
    readonly cache: StreamCache,
    private readonly parts: WriterParts,
    private readonly onIdle: () => void,
  ) {
    const { store, limits } = parts;
    this.#batchLimit = limits.batchCommands;
    this.#requests = new TurnRequests(store, cache.stream, limits.lookEveryMs, () => this.#turns.asked());
  }

  get idle(): boolean {
    return !this.#running;
  }

  /** Throws {@link CommandQueueFull}. */
  enqueue(job: Job): void {
    const { streamCommands } = this.parts.limits;
    if (this.#mailbox.length >= streamCommands) {
      throw new CommandQueueFull(`stream ${this.cache.stream}`, streamCommands);
    }
    this.#mailbox.push(job);
    this.#planAhead();
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    this.#requests.started(this.parts.nowMs());
    while (this.#mailbox.length > 0 || this.#ahead !== undefined) {
      const watch = this.#turns.next(this.parts.nowMs());
      if (watch !== undefined) this.#turns.watched(await this.#giveWay(watch));
      // Whoever was answered just now sends its next command in this turn of the event loop: one batch for all of them.
      if (this.#ahead === undefined) await nextTurn();
      const batch = this.#ahead ?? { jobs: [], plan: this.#freshPlan() };
      const most = this.#ahead === undefined ? this.#firstShare : this.#batchLimit;
      batch.plan.detach();
      this.#ahead = undefined;
      this.#fill(batch, most);
      try {
        await this.#settle(batch);
      } catch (error) {
        this.#dropAhead();
        for (const job of batch.jobs) this.#fail(job, error);
      }
    }
    this.#requests.quiet();
    this.#running = false;
    this.onIdle();
  }

  /** Waits until somebody else has written to the stream and stopped again, or nobody did; after how long they were seen. */
  async #giveWay({ forOthersMs, quietMs, turnMs }: Watch): Promise<number | undefined> {
    const { cache } = this;
    const { nowMs } = this.parts;
    const fromMs = nowMs();
    let lastMs = fromMs;
    let firstSeenMs: number | undefined;
    for (;;) {
      await sleep(POLL_MS);
      const { revision } = cache;
      // Trouble with the store is for the commands to meet, not for a pause.
      await cache.refresh().catch(() => undefined);
      const now = nowMs();
      if (cache.revision !== revision) {
        firstSeenMs ??= now - fromMs;
        lastMs = now;
      } else if (firstSeenMs !== undefined && now - fromMs - firstSeenMs >= turnMs) {
        return firstSeenMs;
      }
      const patienceMs = firstSeenMs === undefined ? Math.max(forOthersMs, quietMs) : quietMs;
      if (now - lastMs >= patienceMs || now - fromMs >= WATCH_MAX_MS) return firstSeenMs;
    }
  }

  /** Answers all jobs of the batch but those it puts back into the mailbox. */
  async #settle(batch: Batch): Promise<void> {
    const { cache } = this;
    const { store, ticks, limits, metrics, nowMs } = this.parts;
    const { category } = cache.decider;
    for (let conflicts = 0; ; ) {
      const { jobs, plan } = batch;
      const { position } = cache;
      if (plan.base.revision !== cache.revision) {
        this.#decideAgain(batch);
        continue;
      }
      if (plan.events.length === 0) {
        if (jobs.every((job) => job.arrival <= cache.verifiedAt)) {
          this.#answer(batch, position, position);
          return;
        }
        await cache.refresh();
        this.#decideAgain(batch);
        continue;
      }

      const tick = ticks.now;
      const startedAtMs = nowMs();
      this.#inFlight = plan;
      this.#planAhead();
      const outcome = await store.append(cache.stream, plan.events, plan.base.revision).finally(() => {
        this.#inFlight = undefined;
      });
      if (outcome.ok) {
        for (const [id, command] of plan.appended(outcome.position)) cache.window.remember(id, command);
        cache.advance(plan, outcome.position);
        cache.verified(tick, startedAtMs);
        const durationMs = nowMs() - startedAtMs;
        this.#batchLimit = limits.batchCommands;
        this.#turns.wrote(startedAtMs + durationMs, durationMs);
        this.#requests.wrote(startedAtMs + durationMs);
        metrics.append?.(category, jobs.length, plan.events.length, plan.bytes, durationMs);
        // The batch ahead goes out first: whoever is answered here runs while the server is busy with it.
        if (this.#ahead === undefined) this.#answer(batch, position, outcome.position);
        else setImmediate(() => this.#answer(batch, position, outcome.position));
        return;
      }

      this.#dropAhead();
      const wasGuess = plan.base.revision === NO_STREAM && cache.verifiedAt < 0;
      if (outcome.actual < plan.base.revision) cache.reset();
      const watch = wasGuess ? undefined : this.#turns.lost();
      if (watch === undefined) this.#requests.losing(nowMs() - startedAtMs);
      if (!wasGuess) {
        conflicts += 1;
        metrics.conflict?.(category);
        if (conflicts > limits.conflicts) throw new StreamContended(cache.stream, conflicts);
        this.#batchLimit = Math.max(1, Math.ceil(Math.min(this.#batchLimit, jobs.length) / 4));
        if (watch !== undefined) await this.#giveWay(watch);
        else if (conflicts > 2)
          await sleep(Math.random() * Math.min(limits.conflictPauseMs, 2 ** (conflicts - 3)));
      }
      if (cache.revision < outcome.actual) await cache.refresh();
      this.#decideAgain(batch);
    }
  }

  #freshPlan(): BatchPlan {
    const { decider, state, revision, window } = this.cache;
    return new BatchPlan(decider, this.parts.codec, window, { state, revision });
  }

  /**
   * How much of the mailbox a batch takes that no other is decided ahead of. All who wait in one batch would let this process wait for
   * the store and the store for this process in turn; two halves keep both busy: 9,200 reservations a second against 6,200 with 256
   * in flight (2026-11-22).
   */
  get #firstShare(): number {
    const { length } = this.#mailbox;
    const all = this.#turns.contended || length < HALVED_FROM_COMMANDS;
    return Math.min(this.#batchLimit, all ? length : Math.ceil(length / 2));
  }

  /** Takes more from the mailbox, as long as it fits. */
  #fill({ jobs, plan }: Batch, most: number): void {
    if (jobs.length >= most) return;
    const more = this.#mailbox.take(most - jobs.length);
    const taken = plan.extend(more);
    this.#mailbox.putBack(more.splice(taken));
    jobs.push(...more);
  }

  /**
   * Decides the next batch while one is being written, once this turn of the event loop has brought its commands. Worth nothing while
   * others write to the stream as well.
   */
  #planAhead(): void {
    if (this.#inFlight === undefined || this.#aheadPlanned || this.#ahead !== undefined) return;
    if (this.#mailbox.length === 0 || this.#turns.contended) return;
    this.#aheadPlanned = true;
    setImmediate(() => {
      this.#aheadPlanned = false;
      if (this.#inFlight === undefined || this.#ahead !== undefined || this.#mailbox.length === 0) return;
      this.#ahead = { jobs: [], plan: this.#inFlight.next() };
      this.#fill(this.#ahead, this.#batchLimit);
    });
  }

  #dropAhead(): void {
    if (this.#ahead === undefined) return;
    this.#mailbox.putBack(this.#ahead.jobs);
    this.#ahead = undefined;
  }

  #decideAgain(batch: Batch): void {
    batch.plan = this.#freshPlan();
    const taken = batch.plan.extend(batch.jobs.slice(0, this.#batchLimit));
    this.#mailbox.putBack(batch.jobs.splice(taken));
  }

  #answer({ jobs, plan }: Batch, before: LogPosition, reached: LogPosition): void {
    for (const [index, job] of jobs.entries()) {
      const answer = plan.answers[index];
      if (answer === undefined) throw new Error('a command of the batch has no answer');
      this.#answerOne(job, answer, answer.revision > plan.base.revision ? reached : before);
    }
  }

  #answerOne(job: Job, answer: Answer, position: LogPosition): void {
    const { state, revision } = answer;
    switch (answer.kind) {
      case 'accepted':
      case 'twin': {
        const replayed = answer.kind === 'twin';
        this.#done(job, { status: 'accepted', events: answer.events, replayed, state, revision, position });
        return;
      }
      case 'rejected':
        this.#done(job, { status: 'rejected', rejection: answer.rejection, state, revision, position });
        return;
      case 'remembered':
        void this.#replay(job, answer.remembered, state);
        return;
      case 'failed':
        this.#fail(job, answer.error);
    }
  }

  /** Answers a repeat with the events of then. Not part of the loop: others do not wait for a repeat. */
  async #replay(job: Job, { first, last, position }: RememberedCommand, state: unknown): Promise<void> {
    const { store, codec } = this.parts;
    const events: DomainEvent[] = [];
    try {
      for await (const batch of store.readStream(this.cache.stream, first)) {
        for (const stored of batch) if (stored.revision <= last) events.push(codec.decode(stored).event);
        if (events.length > last - first) break;
      }
      this.#done(job, { status: 'accepted', events, replayed: true, state, revision: last, position });
    } catch (error) {
      this.#fail(job, error);
    }
  }

  #done(job: Job, result: Result): void {
    const { metrics, nowMs } = this.parts;
    const outcome = result.status === 'rejected' ? 'rejected' : result.replayed ? 'replayed' : 'accepted';
    metrics.command?.(this.cache.decider.category, outcome, nowMs() - job.startedAtMs);
    job.resolve(result);
  }

  #fail(job: Job, error: unknown): void {
    const { metrics, nowMs } = this.parts;
    metrics.command?.(this.cache.decider.category, 'failed', nowMs() - job.startedAtMs);
    job.reject(error);
  }
}
