import type { Place } from './place.js';

/** The words by which a text is searched, as docs/guides/api.md has it ("Finding orders"), written again for the audit. */
const TEXT_CHARACTERS = 500;
const WORD_CHARACTERS = 64;
const RETURNS_WITHIN_EVENTS = 500;

/** Whether a return at this place of its stream is found by its credit note. */
export const isSearched = ({ revision }: Place): boolean => revision < RETURNS_WITHIN_EVENTS;

/** No half of a pair at the end. */
const begun = (text: string, characters: number): string => {
  const start = text.slice(0, characters);
  const end = start.charCodeAt(start.length - 1);
  return end >= 0xd800 && end <= 0xdbff ? start.slice(0, -1) : start;
};

const isOfWord = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}]/u.test(character);

const bare = (word: string): string => {
  const characters = Array.from(word);
  while (characters.length > 0 && !isOfWord(characters[0])) characters.shift();
  while (characters.length > 0 && !isOfWord(characters.at(-1))) characters.pop();
  return characters.length === 0 ? word : characters.join('');
};

/** All words of the texts, each once, by their bytes. */
export const searchWords = (texts: Iterable<string>): string[] => {
  const words = new Set<string>();
  for (const text of texts) {
    for (const word of begun(text, TEXT_CHARACTERS).toLowerCase().split(/\s+/u)) {
      if (word !== '') words.add(begun(bare(word), WORD_CHARACTERS).replaceAll('\0', '\uFFFD'));
    }
  }
  return [...words].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
};
