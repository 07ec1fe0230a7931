import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { leaveWhenUnused } from "../src/parts/Note";
import { counted, lastLine, listing, percent, plural } from "../src/parts/words";

describe("numbers and nouns", () => {
  it("agree", () => {
    expect([counted(0, "label"), counted(1, "label"), counted(1234, "patch"), counted(2, "category")]).toEqual([
      "0 labels",
      "1 label",
      "1,234 patches",
      "2 categories",
    ]);
    expect([plural("selected object"), plural("match"), plural("key")]).toEqual([
      "selected objects",
      "matches",
      "keys",
    ]);
  });

  it("are listed as in a sentence, empty parts left out", () => {
    expect([listing([]), listing(["a"]), listing(["a", false, "b"]), listing(["a", "b", "c"])]).toEqual([
      "",
      "a",
      "a and b",
      "a, b, and c",
    ]);
  });

  it("become percents that never round to all or nothing", () => {
    expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual(["0%", "1%", "50%", "99%", "100%"]);
  });
});

describe("errors", () => {
  it("are the last line of a traceback, without the exception's class", () => {
    expect(lastLine("Traceback:\n  File x\nlabelscape.errors.RefusalError: Choose another field.")).toBe(
      "Choose another field.",
    );
  });
});

describe("a message", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("leaves after some seconds in which neither the pointer nor the focus was on it", () => {
    let used = true;
    const onEnd = vi.fn();
    leaveWhenUnused(() => used, 7, onEnd);
    vi.advanceTimersByTime(60_000);
    expect(onEnd).not.toHaveBeenCalled();
    used = false;
    vi.advanceTimersByTime(6_000);
    expect(onEnd).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it("that is closed has no timer left", () => {
    const onEnd = vi.fn();
    leaveWhenUnused(() => false, 7, onEnd)();
    expect(vi.getTimerCount()).toBe(0);
    expect(onEnd).not.toHaveBeenCalled();
  });
});
