import { describe, expect, it } from "vitest";
import { parted } from "../../src/explorer/medium/marked";

const marked = (text: string, searched: string): string[] =>
  parted(text, searched)
    .filter((part) => part.marked)
    .map((part) => part.text);

describe("the words of a search in a text", () => {
  it("are marked wherever they stand, in any case, and the text stays whole", () => {
    const text = "My card was lost. Is the CARD insured?";
    expect(marked(text, "card")).toEqual(["card", "CARD"]);
    expect(
      parted(text, "card")
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });

  it("are found together before each alone", () => {
    expect(marked("lost card, card lost", "lost card")).toEqual(["lost card", "card", "lost"]);
  });

  it("may hold signs that mean something in patterns, and may be none", () => {
    expect(marked("cost (in $)?", "(in $)")).toEqual(["(in $)"]);
    expect(parted("anything", "  ")).toEqual([{ text: "anything", marked: false }]);
  });
});
