/** Which classes a few typed letters mean. */

export interface Typeahead {
  /** Classes that match, best first. */
  readonly matches: readonly string[];
  /** What was typed, if it is not a class yet; null otherwise. */
  readonly fresh: string | null;
}

/** Exact first, then those that start with the text, then those with a word that does, then those that contain it. */
export function typeahead(classes: readonly string[], typed: string, limit: number): Typeahead {
  const text = typed.trim();
  const query = text.toLocaleLowerCase();
  if (query === "") return { matches: classes.slice(0, limit), fresh: null };
  const ranked = classes
    .map((name) => ({ name, rank: rankOf(name.toLocaleLowerCase(), query) }))
    .filter((match) => match.rank < 4)
    .sort((a, b) => a.rank - b.rank);
  return {
    matches: ranked.slice(0, limit).map((match) => match.name),
    fresh: classes.includes(text) ? null : text,
  };
}

function rankOf(name: string, query: string): number {
  if (name === query) return 0;
  if (name.startsWith(query)) return 1;
  if (name.split(/[\s_\-/]+/).some((word) => word.startsWith(query))) return 2;
  return name.includes(query) ? 3 : 4;
}
