/** Where the searched words occur in a text. */
export interface TextPart {
  readonly text: string;
  readonly marked: boolean;
}

/** The text in parts, those that are one of the searched words marked; put together they are the text. */
export function parted(text: string, searched: string): readonly TextPart[] {
  const words = [searched.trim(), ...searched.trim().split(/\s+/)].filter((word) => word !== "");
  if (words.length === 0) return [{ text, marked: false }];
  const pattern = new RegExp(`(${[...new Set(words)].map(escaped).join("|")})`, "gi");
  return text
    .split(pattern)
    .map((part, i) => ({ text: part, marked: i % 2 === 1 }))
    .filter((part) => part.text !== "");
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
