/**
 * At least what the value takes as JSON in UTF-8, several times cheaper than writing it: a character is 6 bytes at most.
 */
export const sizeBound = (value: unknown): number => {
  if (typeof value === 'string') return 6 * value.length + 2;
  if (typeof value !== 'object' || value === null) return 26;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += sizeBound(item) + 1;
  } else {
    for (const key in value) bytes += 6 * key.length + 4 + sizeBound((value as Record<string, unknown>)[key]);
  }
  return bytes;
};

/** About what an event's data of that bound takes in a state: a character takes one byte or two, a map entry a few objects. */
export const weightOf = (bound: number): number => Math.ceil(bound / 3) + 100;
