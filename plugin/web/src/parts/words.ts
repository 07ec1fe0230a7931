/** How counts, shares, and errors are worded. */

/** The plural of a regular English noun or noun phrase: "patches", "entries", "samples". */
export function plural(noun: string): string {
  if (/(s|x|z|ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** A number with its noun: "1 label", "1,024 patches", "0 labels". */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${count === 1 ? noun : plural(noun)}`;

/** The parts joined as in a sentence, without empty ones: "a", "a and b", "a, b, and c". */
export function listing(parts: readonly (string | false | null | undefined)[]): string {
  const said = parts.filter((part): part is string => Boolean(part));
  if (said.length <= 2) return said.join(" and ");
  return `${said.slice(0, -1).join(", ")}, and ${said[said.length - 1] as string}`;
}

/** The text as a sentence begins. */
export const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A share in percent that is never rounded up to 100% or down to 0% unless it is exactly that. */
export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  return `${share > 0 && share < 1 ? Math.min(99, Math.max(1, rounded)) : rounded}%`;
}

export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === "" ? "Something went wrong without a message. See the server's log." : text;
}

/** The last line of a traceback without the exception's class: what is left was written for the user. */
export const lastLine = (text: string): string =>
  (text.trim().split("\n").pop() ?? text).replace(/^[\w.]*(Error|Exception): /, "");

/** A moment in words: "at 14:05", "yesterday", "3 days ago". */
export function ago(iso: string): string {
  const then = new Date(iso);
  const days = Math.floor((Date.now() - then.getTime()) / 86_400_000);
  if (Number.isNaN(days)) return iso;
  if (days < 1) return `at ${then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  return days === 1 ? "yesterday" : `${days} days ago`;
}
