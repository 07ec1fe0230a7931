import { describe, expect, it } from "vitest";
import { commandFor, KEYS, type KeyPress } from "../../src/explorer/keymap";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  typing: false,
  onControl: false,
  ...more,
});

describe("keys", () => {
  it("do what the help says, each its own", () => {
    for (const { key, command } of KEYS) expect(commandFor(press(key))).toBe(command);
    expect(new Set(KEYS.map((k) => k.key)).size).toBe(KEYS.length);
    for (const key of "ldaxusi/23n?") expect(commandFor(press(key))).not.toBeNull();
  });

  it("work with caps lock on", () => {
    expect(commandFor(press("L"))).toBe("label");
  });

  it("stay letters while one types, and Escape leaves the field", () => {
    expect(commandFor(press("d", { typing: true }))).toBeNull();
    expect(commandFor(press("Enter", { typing: true }))).toBeNull();
    expect(commandFor(press("Escape", { typing: true }))).toBe("escape");
  });

  it("leave the browser's own, and Enter on a button, alone", () => {
    expect(commandFor(press("s", { ctrlKey: true }))).toBeNull();
    expect(commandFor(press("a", { metaKey: true }))).toBeNull();
    expect(commandFor(press("Enter", { onControl: true }))).toBeNull();
    expect(commandFor(press("F5"))).toBeNull();
  });
});
