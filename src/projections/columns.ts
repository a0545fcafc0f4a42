/**
 * Array parameters as the text PostgreSQL reads (`{1,2}`, `{"a",NULL}`), one per column of a batch:
 * `unnest($1::text[], $2::bigint[])`. Writing them here takes a third of what the driver's own element-by-element escaping
 * does (90 ns against 270 ns per element; the import of a year writes some twenty million).
 */
export const numbers = (values: readonly (number | bigint)[]): string => `{${values.join(',')}}`;

const NEEDS_CARE = /["\\]/;

const quoted = (value: string | null | undefined): string => {
  if (value === null || value === undefined) return 'NULL';
  // PostgreSQL text cannot hold NUL; one in a free text must not stop the log behind it.
  const text = value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  return NEEDS_CARE.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
};

/** Texts, times (ISO 8601), JSON and array literals alike; null and undefined become NULL. */
export const texts = (values: readonly (string | null | undefined)[]): string =>
  `{${values.map(quoted).join(',')}}`;

/** Appends a value to the list kept under a key. */
export const push = <Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
};
