import { LIVE_LEASE, type StandbySet } from './model-sets.js';

/** Another process has the lease that this needs. */
export class LeaseHeld extends Error {
  readonly code = 'lease_held';
  constructor(name: string) {
    super(
      name === LIVE_LEASE
        ? `another process runs the projections (lease ${name}); stop it first`
        : `another rebuild is under way (lease ${name})`,
    );
    this.name = 'LeaseHeld';
  }
}

/** There is no such set. */
export class NoSuchSet extends Error {
  readonly code = 'no_such_set';
  constructor(set: StandbySet) {
    super(`there are no ${set} read models`);
    this.name = 'NoSuchSet';
  }
}

/** The previous read models can only be brought up to date by the program that built them. */
export class PreviousOfAnotherVersion extends Error {
  readonly code = 'previous_of_another_version';
  constructor(
    readonly versions: readonly string[],
    changes: readonly string[],
  ) {
    super(
      `the previous read models are of another version of the program (${changes.join(', ')}); switch back with the one ` +
        `whose status names ${versions.join(', ')}`,
    );
    this.name = 'PreviousOfAnotherVersion';
  }
}
