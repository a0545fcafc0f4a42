import type { StoredEvent } from '../../../src/runtime/event-store.js';
import { hasUnknownAttempt, type Recorded, type Violation } from '../history.js';
import { asRecorded, asSent, differenceOf } from './difference.js';
import { businessIdOf, factOf, rows, text } from './raw-log.js';
import { REFUSALS } from './refusals.js';

/** What must be in the log when a placed order was answered with such a status. */
const OUTCOME_EVENT: Readonly<Record<string, string>> = {
  reserved: 'OrderReserved',
  confirmed: 'OrderConfirmed',
  rejected: 'OrderRejected',
  expired: 'OrderExpired',
  completed: 'OrderCompleted',
  cancelled: 'OrderLinesCancelled',
};

interface Facts {
  readonly ofBusiness: ReadonlyMap<string, StoredEvent>;
  /** By stream and type, the first. */
  readonly ofType: ReadonlyMap<string, StoredEvent>;
  readonly end: bigint;
}

const factsIn = (log: readonly StoredEvent[]): Facts => {
  const ofBusiness = new Map<string, StoredEvent>();
  const ofType = new Map<string, StoredEvent>();
  for (const event of log) {
    const key = `${event.stream} ${event.type}`;
    if (!ofType.has(key)) ofType.set(key, event);
    const businessId = businessIdOf(event);
    if (businessId !== undefined) ofBusiness.set(factOf(event.stream, event.type, businessId), event);
  }
  return { ofBusiness, ofType, end: log.at(-1)?.position.commit ?? 0n };
};

/** What was acknowledged is there, as it was sent, and was by then; what was refused is not; what was asked was answered. */
export const checkAnswers = (log: readonly StoredEvent[], commands: readonly Recorded[]): Violation[] => {
  const facts = factsIn(log);
  const asked = commands.filter(({ kind }) => kind !== 'setup');
  const found = asked.flatMap((command) => {
    const { answer } = command;
    if (answer === undefined) return [unanswered(command)];
    return answer.status >= 300
      ? checkRefusal(command, answer, facts, commands)
      : checkAcknowledged(command, answer, facts);
  });
  return [...found, ...doneTwice(asked)];
};

/** Whoever is told 201 did it; everybody else who asked for the same is told 200. */
const doneTwice = (commands: readonly Recorded[]): Violation[] => {
  const done = new Map<string, number>();
  for (const command of commands) {
    const fact = askedFor(command);
    if (command.answer?.status === 201) done.set(fact, (done.get(fact) ?? 0) + 1);
  }
  return [...done]
    .filter(([, times]) => times > 1)
    .map(([fact, times]) => ({ code: 'done_twice', detail: `${fact}: ${times} were told that they did it` }));
};

type Answer = NonNullable<Recorded['answer']>;

const askedFor = ({ stream, eventType, businessId }: Recorded): string =>
  factOf(stream, eventType, businessId);

const unanswered = (command: Recorded): Violation => {
  const { attempts } = command;
  const last = attempts.at(-1);
  const how = `${last?.status ?? last?.error} ${last?.code ?? ''}`;
  return { code: 'unanswered', detail: `${askedFor(command)}: ${attempts.length} attempts, last ${how}` };
};

const checkRefusal = (
  command: Recorded,
  answer: Answer,
  { ofBusiness }: Facts,
  commands: readonly Recorded[],
): Violation[] => {
  const found: Violation[] = [];
  const fact = askedFor(command);
  const code = text(answer.body.code);
  if (REFUSALS[command.kind]?.includes(code) !== true) {
    const body = JSON.stringify(answer.body).slice(0, 300);
    found.push({ code: 'wrong_refusal', detail: `${fact}: ${answer.status} ${body}` });
  }
  const event = ofBusiness.get(fact);
  // Somebody else may have done it otherwise: a review lapses while it is resolved.
  const isDone = event !== undefined && differenceOf(asSent(command), asRecorded(event)) === undefined;
  if (isDone && !hasUnknownAttempt(command) && !hasTwin(command, commands))
    found.push({ code: 'refused_but_done', detail: `${fact}: ${code}` });
  return found;
};

const checkAcknowledged = (
  command: Recorded,
  answer: Answer,
  { ofBusiness, ofType, end }: Facts,
): Violation[] => {
  const found: Violation[] = [];
  const fact = askedFor(command);
  const event = ofBusiness.get(fact);
  if (event === undefined) return [{ code: 'acknowledged_lost', detail: `${fact} at ${answer.position}` }];
  const position = BigInt(answer.position?.split('-')[0] ?? '-1');
  if (position > end)
    found.push({ code: 'wrong_position', detail: `${fact}: ${position} is beyond the log` });
  const expectBy = ({ type, position: at }: StoredEvent): void => {
    if (position < at.commit)
      found.push({
        code: 'wrong_position',
        detail: `${fact}: answered ${position}, ${type} is at ${at.commit}`,
      });
  };
  expectBy(event);
  const difference = differenceOf(asSent(command), asRecorded(event));
  if (difference !== undefined) found.push({ code: 'acknowledged_other', detail: `${fact}: ${difference}` });
  found.push(...toldOfOthers(command, answer, ofBusiness));
  const status = command.kind === 'place' ? text(answer.body.status) : '';
  const outcome = OUTCOME_EVENT[status];
  if (outcome === undefined) return found;
  const decided = ofType.get(`${command.stream} ${outcome}`);
  if (decided === undefined) found.push({ code: 'acknowledged_lost', detail: `${fact}: answered ${status}` });
  else expectBy(decided);
  return found;
};

/** A consignment answers for its orders: what it says is shipped has left with it, what dropped out has not. */
const toldOfOthers = (
  { kind, businessId, stream }: Recorded,
  { body }: Answer,
  ofBusiness: Facts['ofBusiness'],
): Violation[] => {
  if (kind !== 'consign') return [];
  const id = `consignment:${text(body.consignmentId)}`;
  return rows(body.orders).flatMap(({ orderId, outcome }) => {
    const left = ofBusiness.has(factOf(`order-${text(orderId)}`, 'OrderShipped', id));
    if (left === (outcome === 'shipped')) return [];
    const detail = `${stream} ${businessId}: ${text(orderId)} was ${text(outcome)}`;
    return [{ code: left ? 'refused_but_done' : 'acknowledged_lost', detail }];
  });
};

/** The same command sent by two at once. */
const hasTwin = (command: Recorded, commands: readonly Recorded[]): boolean =>
  commands.some((one) => one !== command && one.key === command.key && one.path === command.path);
