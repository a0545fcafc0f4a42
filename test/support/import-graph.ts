import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';

/**
 * Who may import whom (design 2), checked over the text of the sources. Sources are keyed by their path below `src`, such as
 * `domain/order.ts`. An import that only exists as text (a worker's URL, a spawned file) is not seen.
 */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  readonly specifier: string;
  /** What of it is there at run time, by the name it has at its source; `*` for a whole module. Types are not listed. */
  readonly values: readonly string[];
  /** Imported for what it does when loaded. */
  readonly sideEffect: boolean;
}

const isTypeOnly = ({ values, sideEffect }: Import): boolean => values.length === 0 && !sideEffect;

const STRING_OR_COMMENT =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const withoutComments = (text: string): string =>
  text.replace(STRING_OR_COMMENT, (_, string: string | undefined) => string ?? ' ');
const withoutStrings = (text: string): string =>
  withoutComments(text).replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, "''");

const FROM = /^[ \t]*(?:import|export)\s+(type\s+)?([\w$*\s{},]*?)\s*\bfrom\s*['"]([^'"]+)['"]/gm;
const SIDE_EFFECT = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const DYNAMIC = /\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/g;

/** Every import and re-export of a source, static and dynamic. */
export const importsOf = (text: string): Import[] => {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const [, type, clause = '', specifier = ''] of code.matchAll(FROM)) {
    const [, outside = '', inside = ''] = /^([^{]*)(?:\{([^}]*)\})?/.exec(clause) ?? [];
    const whole = outside.includes('*') ? ['*'] : /[\w$]/.test(outside) ? ['default'] : [];
    const values = inside
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '' && !entry.startsWith('type '))
      .map((entry) => entry.replace(/\s[\s\S]*/, ''));
    found.push({ specifier, values: type === undefined ? [...whole, ...values] : [], sideEffect: false });
  }
  for (const [, specifier = ''] of code.matchAll(SIDE_EFFECT))
    found.push({ specifier, values: [], sideEffect: true });
  for (const [, specifier = ''] of code.matchAll(DYNAMIC))
    found.push({ specifier, values: ['*'], sideEffect: false });
  return found;
};

/** The floor that a file lives on: its folder; for adapters the adapter, which is a house of its own; for a file at the top its name. */
export const layerOf = (path: string): string => {
  const [first = '', second = '', ...rest] = path.split('/');
  if (second === '') return first.replace(/\.ts$/, '');
  return first === 'adapters' && rest.length > 0 ? `adapters/${second}` : first;
};

type Layers = readonly string[];
interface Rule {
  /** Imported freely. */
  readonly all: Layers;
  /** Imported as types only, but for what {@link isVocabulary} says. */
  readonly types?: Layers;
}

const EVERYTHING = '*';
const RULES: Readonly<Record<string, Rule>> = {
  domain: { all: [] },
  runtime: { all: [], types: ['domain'] },
  processes: { all: ['domain', 'runtime'] },
  projections: { all: ['domain', 'runtime'] },
  // The audit must not share the mistakes of what it checks: of ours only the codec and the doors to log and database.
  audit: { all: ['runtime'], types: ['domain'] },
  api: { all: ['domain', 'runtime', 'processes', 'projections'] },
  adapters: { all: [], types: ['domain', 'runtime', 'processes'] },
  // What a channel sends becomes commands here, so these speak the domain's language: deciders, ids, money.
  'adapters/channels': { all: ['domain'], types: ['runtime', 'processes'] },
  'adapters/embedded-event-store': { all: [] },
  settings: { all: [] },
  embedded: { all: ['settings', 'adapters/embedded-event-store', 'adapters/postgres'] },
  // The composition: main.ts by another name each, so that it stays readable.
  metrics: { all: ['processes', 'runtime'] },
  roles: { all: [EVERYTHING] },
  cli: { all: [EVERYTHING] },
  main: { all: [EVERYTHING] },
};

/** Files whose values belong to the types they declare (how to make, recognise and compare them) and so travel with them. */
const VOCABULARY: ReadonlySet<string> = new Set([
  'domain/decider.ts',
  'domain/system-log.ts',
  'runtime/event-store.ts',
]);

/** Values that may be imported where only types may: a type's vocabulary, and the error classes of the runtime's ports. */
const isVocabulary = (target: string, names: readonly string[], sources: Sources): boolean => {
  if (VOCABULARY.has(target)) return true;
  const text = layerOf(target) === 'runtime' ? (sources.get(target) ?? '') : '';
  return (
    names.length > 0 &&
    names.every((name) => new RegExp(`export (?:abstract )?class ${name} extends \\w*Error\\b`).test(text))
  );
};

const DOMAIN_PACKAGES: ReadonlySet<string> = new Set(['zod', 'immutable', 'dinero.js/currencies']);
const IMPURE: readonly [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()|(?<!new )\bDate\(/, 'reads the clock'],
  [/\bperformance\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/, 'reads the clock'],
  [/\bMath\.random\b|\bcrypto\b|\brandomUUID\b/, 'is random'],
  [/\bprocess\b|\bglobalThis\b|\bimport\.meta\b|\btoLocale\w+|\bresolvedOptions\b/, 'reads its environment'],
  [/\bconsole\b|\bfetch\s*\(|\basync\b|\bawait\b|\bPromise\b/, 'does I/O'],
];

const impurities = (path: string, text: string): string[] => {
  const code = withoutStrings(text);
  return [
    ...IMPURE.flatMap(([pattern, what]) => {
      const match = pattern.exec(code);
      return match === null ? [] : [`${path}: domain ${what} (${match[0]})`];
    }),
    ...importsOf(text)
      .filter(({ specifier }) => !specifier.startsWith('.') && !DOMAIN_PACKAGES.has(specifier))
      .map(({ specifier }) => `${path}: domain may not import the package ${specifier}`),
  ];
};

const ruleOf = (layer: string): Rule | undefined => RULES[layer] ?? RULES[layer.split('/')[0] ?? ''];

const resolveFrom = (path: string, specifier: string): string =>
  normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts');

const checkImport = (path: string, one: Import, sources: Sources): string[] => {
  const from = layerOf(path);
  const rule = ruleOf(from);
  if (!one.specifier.startsWith('.')) {
    const client = one.specifier.startsWith('@eventstore/') && !from.startsWith('adapters/');
    return client ? [`${path}: only an adapter may import ${one.specifier}`] : [];
  }
  const target = resolveFrom(path, one.specifier);
  if (target.startsWith('..')) return [`${path}: imports ${target}, outside src`];
  const to = layerOf(target);
  if (rule === undefined || from === to || rule.all.includes(EVERYTHING) || rule.all.includes(to)) return [];
  if (!(rule.types ?? []).includes(to)) return [`${path}: ${from} may not import ${target}`];
  return isTypeOnly(one) || isVocabulary(target, one.values, sources)
    ? []
    : [`${path}: ${from} may import only types from ${target}`];
};

/** Cycles of what files need from each other at run time, where the order of loading would decide what works. */
export const cyclesOf = (sources: Sources): string[] => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) {
      cycles.push(`cycle: ${[...trail.slice(seen), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const one of importsOf(sources.get(path) ?? '')) {
      const { specifier } = one;
      const target = specifier.startsWith('.') && !isTypeOnly(one) ? resolveFrom(path, specifier) : '';
      if (sources.has(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return cycles;
};

/** All files that a floor needs at run time, directly or through others. */
export const reachedFrom = (layer: string, sources: Sources): ReadonlySet<string> => {
  const reached = new Set([...sources.keys()].filter((path) => layerOf(path) === layer));
  for (const path of reached) {
    for (const one of importsOf(sources.get(path) ?? '')) {
      if (one.specifier.startsWith('.') && !isTypeOnly(one)) reached.add(resolveFrom(path, one.specifier));
    }
  }
  return reached;
};

/** Everything that breaks the rules, one line each; empty when the house is in order. */
export const violationsOf = (sources: Sources): string[] => [
  ...[...sources].flatMap(([path, text]) => [
    ...(ruleOf(layerOf(path)) === undefined ? [`${path}: belongs to no layer`] : []),
    ...importsOf(text).flatMap((one) => checkImport(path, one, sources)),
    ...(layerOf(path) === 'domain' ? impurities(path, text) : []),
  ]),
  ...cyclesOf(sources),
];

/** The TypeScript sources below a folder. */
export const readSources = (root: string): Sources =>
  new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .sort()
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  );
