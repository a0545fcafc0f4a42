/** Every command that was sent and every answer that came, as a client sees them. */
export interface Attempt {
  readonly atMs: number;
  readonly api: number;
  /** Status of the answer; undefined where none came (the reason is in `error`). */
  readonly status: number | undefined;
  readonly code?: string;
  readonly error?: string;
  readonly durationMs: number;
}

export const COMMAND_KINDS = [
  'setup',
  'receive',
  'adjust',
  'issue',
  'place',
  'confirm',
  'cancel',
  'ship',
  'return',
  'review',
  'resolve',
  'propose',
  'confirm_change',
  'decline_change',
  'split',
  'undo_split',
  'consign',
  'extend_sources',
  'start_payment',
  'authorise',
  'fail_payment',
  'capture',
  'void_payment',
  'refund',
  'charge_back',
  'request_return',
  'authorise_return',
  'refuse_return',
  'receive_return',
  'inspect_return',
  'credit_return',
  'allow',
  'exchange',
] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

export interface Command {
  readonly round: number;
  readonly kind: CommandKind;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly key: string | undefined;
  /** The stream that decides it, and the business id of the event it leads to ('' where there is one per stream). */
  readonly stream: string;
  readonly eventType: string;
  readonly businessId: string;
}

export interface Recorded extends Command {
  readonly attempts: Attempt[];
  /** The final answer; undefined while, or if, there is none. */
  answer?: {
    readonly status: number;
    readonly body: Record<string, unknown>;
    readonly position: string | undefined;
  };
}

export class History {
  readonly commands: Recorded[] = [];

  begin(command: Command): Recorded {
    const recorded: Recorded = { ...command, attempts: [] };
    this.commands.push(recorded);
    return recorded;
  }

  get attempts(): number {
    return this.commands.reduce((sum, { attempts }) => sum + attempts.length, 0);
  }
}

/** Somebody who was answered "no" may still find it done where an earlier try has an unknown outcome. */
export const hasUnknownAttempt = ({ attempts }: Recorded): boolean =>
  attempts.slice(0, -1).some(({ status }) => status === undefined || status >= 500);

export interface Violation {
  readonly code: string;
  readonly detail: string;
}
