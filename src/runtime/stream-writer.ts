import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '../domain/decider.js';
import type { EventCodec } from './codec.js';
import type { CommandResult } from './command-bus.js';
import { CommandQueueFull, StreamContended } from './command-errors.js';
import type { CommandMetrics, RunnerLimits } from './command-runner.js';
import type { RememberedCommand } from './command-window.js';
import { type Answer, decideBatch, type Plan, type Waiting } from './decide-batch.js';
import { type EventStore, type LogPosition, NO_STREAM } from './event-store.js';
import { Mailbox } from './mailbox.js';
import type { StreamCache, Ticks } from './stream-cache.js';

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

/**
 * The one writer of one stream in this process.
 *
 * States: idle (no loop) -> running (a loop takes batches until the mailbox is empty) -> idle. A batch goes
 *   decided -> nothing to append: answered, after one refresh unless the state was verified since its commands arrived
 *           -> appended: answered
 *           -> wrong revision: the events past the known revision are read and it is decided again
 * Invariants: at most one append of this stream is in flight, because a second one at a revision that the first was to reach
 *   could land on somebody else's events of the same number. Every job is answered exactly once. A successful append at the
 *   revision decided on proves every answer of its batch, the rejections too.
 * Limits: see {@link RunnerLimits}. After a conflict the batch shrinks, so that a slow process gets in between a fast one's.
 */
export class StreamWriter {
  readonly #mailbox = new Mailbox<Job>();
  #running = false;
  #batchLimit: number;

  constructor(
    readonly cache: StreamCache,
    private readonly parts: WriterParts,
    private readonly onIdle: () => void,
  ) {
    this.#batchLimit = parts.limits.batchCommands;
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
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#mailbox.length > 0) {
      // Whoever was answered just now sends its next command in this turn of the event loop: one batch for all of them.
      await nextTurn();
      const jobs = this.#mailbox.take(this.#batchLimit);
      try {
        await this.#process(jobs);
      } catch (error) {
        for (const job of jobs) this.#fail(job, error);
      }
    }
    this.#running = false;
    this.onIdle();
  }

  /** Answers all of `jobs` but those it puts back (and takes out of the array). */
  async #process(jobs: Job[]): Promise<void> {
    const { cache } = this;
    const { store, codec, ticks, limits, metrics, nowMs } = this.parts;
    const { category } = cache.decider;
    for (let conflicts = 0; ; ) {
      const base = { state: cache.state, revision: cache.revision, window: cache.window };
      const { position } = cache;
      const plan = decideBatch(cache.decider, codec, base, jobs);
      this.#putBack(jobs, plan.answers.length);
      if (plan.events.length === 0) {
        if (jobs.every((job) => job.arrival <= cache.verifiedAt)) {
          this.#answer(jobs, plan, base.revision, position, position);
          return;
        }
        await cache.refresh();
        continue;
      }

      const tick = ticks.now;
      const startedAtMs = nowMs();
      const outcome = await store.append(cache.stream, plan.events, base.revision);
      if (outcome.ok) {
        this.#remember(jobs, plan, base.revision, outcome.position);
        cache.advance(plan.state, base.revision + plan.events.length, outcome.position);
        cache.verified(tick, startedAtMs);
        this.#batchLimit = Math.min(limits.batchCommands, this.#batchLimit * 2);
        metrics.append?.(category, jobs.length, plan.events.length, plan.bytes, nowMs() - startedAtMs);
        this.#answer(jobs, plan, base.revision, position, outcome.position);
        return;
      }

      if (outcome.actual < base.revision) cache.reset();
      const wasGuess = base.revision === NO_STREAM && cache.verifiedAt < 0;
      if (!wasGuess) {
        conflicts += 1;
        metrics.conflict?.(category);
        if (conflicts > limits.conflicts) throw new StreamContended(cache.stream, conflicts);
        this.#batchLimit = Math.max(1, Math.ceil(Math.min(this.#batchLimit, jobs.length) / 2));
        this.#putBack(jobs, this.#batchLimit);
        if (conflicts > 2)
          await sleep(Math.random() * Math.min(limits.conflictPauseMs, 2 ** (conflicts - 3)));
      }
      if (cache.revision < outcome.actual) await cache.refresh();
    }
  }

  #putBack(jobs: Job[], keep: number): void {
    if (keep < jobs.length) this.#mailbox.putBack(jobs.splice(keep));
  }

  #remember(jobs: readonly Job[], plan: Plan, base: number, position: LogPosition): void {
    for (const [index, { context }] of jobs.entries()) {
      const answer = plan.answers[index];
      if (context.requestHash === undefined || answer?.kind !== 'accepted' || answer.revision <= base)
        continue;
      if (answer.events.length === 0) continue;
      const { requestHash } = context;
      this.cache.window.remember(context.commandId, {
        requestHash,
        first: answer.first,
        last: answer.revision,
        position,
      });
    }
  }

  #answer(jobs: readonly Job[], plan: Plan, base: number, before: LogPosition, reached: LogPosition): void {
    for (const [index, job] of jobs.entries()) {
      const answer = plan.answers[index];
      if (answer === undefined) throw new Error('a command of the batch has no answer');
      this.#answerOne(job, answer, answer.revision > base ? reached : before);
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
