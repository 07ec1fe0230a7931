/** How counts and errors are told. */

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text === "" ? "Something went wrong and left no message. See the server's log." : text;
}

/** The last line of a traceback without the exception's class: what is left was written for the user. */
export const lastLine = (text: string): string =>
  (text.trim().split("\n").pop() ?? text).replace(/^[\w.]*(Error|Exception): /, "");
