import type { StoredEvent } from '../../../src/runtime/event-store.js';
import { hasUnknownAttempt, type Recorded, type Violation } from '../history.js';
import { businessIdOf, type Data, dataOf, factOf, rows, text } from './raw-log.js';

/** Refusals that a client of this load may get; any other is a promise broken or a question misunderstood. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  adjust: ['insufficient_on_hand', 'below_held'],
  confirm: ['wrong_status'],
  cancel: ['wrong_status', 'nothing_open'],
  ship: ['wrong_status', 'nothing_open'],
};

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

/**
 * The first field that was sent and recorded, and not the same; what only one of them has was not asked or was decided. Lines that are
 * named by their id are found by it: a shipment takes the order's charges along.
 */
const differenceOf = (sent: unknown, recorded: unknown, path = ''): string | undefined => {
  if (Array.isArray(sent) && Array.isArray(recorded)) {
    const byId = rows(sent).every(({ lineId }) => lineId !== undefined);
    if (!byId && sent.length !== recorded.length) return `${path}: ${sent.length} became ${recorded.length}`;
    for (const [index, one] of rows(sent).entries()) {
      const other = byId ? rows(recorded).find(({ lineId }) => lineId === one.lineId) : recorded[index];
      const found = differenceOf(one, other, `${path}/${index}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof sent === 'object' && sent !== null && typeof recorded === 'object' && recorded !== null) {
    for (const [name, value] of Object.entries(sent as Data)) {
      const other = (recorded as Data)[name];
      const found = other === undefined ? undefined : differenceOf(value, other, `${path}/${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return sent === recorded ? undefined : `${path}: ${String(sent)} became ${String(recorded)}`;
};

/** What was acknowledged is there, as it was sent, and was by then; what was refused is not; what was asked was answered. */
export const checkAnswers = (log: readonly StoredEvent[], commands: readonly Recorded[]): Violation[] => {
  const facts = factsIn(log);
  return commands
    .filter(({ kind }) => kind !== 'setup')
    .flatMap((command) => {
      const { answer } = command;
      if (answer === undefined) return [unanswered(command)];
      return answer.status >= 300
        ? checkRefusal(command, answer, facts, commands)
        : checkAcknowledged(command, answer, facts);
    });
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
  if (ofBusiness.has(fact) && !hasUnknownAttempt(command) && !hasTwin(command, commands))
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
  const difference = differenceOf(command.body, dataOf(event));
  if (difference !== undefined) found.push({ code: 'acknowledged_other', detail: `${fact}: ${difference}` });
  const status = command.kind === 'place' ? text(answer.body.status) : '';
  const outcome = OUTCOME_EVENT[status];
  if (outcome === undefined) return found;
  const decided = ofType.get(`${command.stream} ${outcome}`);
  if (decided === undefined) found.push({ code: 'acknowledged_lost', detail: `${fact}: answered ${status}` });
  else expectBy(decided);
  return found;
};

/** The same command sent by two at once. */
const hasTwin = (command: Recorded, commands: readonly Recorded[]): boolean =>
  commands.some((one) => one !== command && one.key === command.key && one.path === command.path);
