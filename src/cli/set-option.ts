import { InvalidArgumentError } from 'commander';
import { MODEL_SETS, type ModelSet, type StandbySet } from '../runtime/model-sets.js';

/** The argument of an option that names a set of read models. */
export const toModelSet = (value: string): ModelSet => {
  const set = MODEL_SETS.find((one) => one === value);
  if (set === undefined) throw new InvalidArgumentError(`one of ${MODEL_SETS.join(', ')}`);
  return set;
};

export const toStandbySet = (value: string): StandbySet => {
  const set = toModelSet(value);
  if (set === 'live') throw new InvalidArgumentError('next or previous');
  return set;
};
