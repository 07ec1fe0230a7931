/** An explorer on a made-up host, and what tests read of it. */
import { beforeEach, expect, vi } from "vitest";
import { FakeHost } from "../../dev/fakeHost";
import { type MethodName } from "../../src/explorer/contract";
import { Explorer } from "../../src/explorer/explorer";
import { type Ui } from "../../src/explorer/state";

/** What the panel keeps in the browser. */
export const kept = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => void kept.set(key, value),
  removeItem: (key: string) => void kept.delete(key),
});
beforeEach(() => kept.clear());

export interface Bench {
  readonly explorer: Explorer;
  readonly host: FakeHost;
  readonly asked: MethodName[];
}

export async function open(scene = "map", n = 300): Promise<Bench> {
  const host = new FakeHost({ n, classes: 5, dims: 2, scene });
  const asked: MethodName[] = [];
  const call = host.call.bind(host);
  host.call = (method, ask) => {
    asked.push(method);
    return call(method, ask);
  };
  const explorer = new Explorer(host);
  explorer.receive(host.state());
  if (scene !== "no-map" && scene !== "no-dataset")
    await until(explorer, (ui) => ui.map !== null && ui.color !== null && ui.busy.length === 0);
  return { explorer, host, asked };
}

/** A map whose labels the server has yet to read. */
export async function openUnread() {
  const host = new FakeHost({ n: 300, classes: 5, dims: 2, scene: "map" });
  const call = vi.spyOn(host, "call");
  const explorer = new Explorer(host);
  const state = host.state();
  explorer.receive({ ...state, map: state.map && { ...state.map, label_state: null } });
  await until(explorer, (ui) => ui.map !== null);
  return { explorer, host, call };
}

/** Waits until an expectation holds, however busy the machine is. */
export const eventually = (expectation: () => void): Promise<void> => vi.waitFor(expectation, { timeout: 60_000 });
export const until = (explorer: Explorer, holds: (ui: Ui) => boolean): Promise<void> =>
  eventually(() => expect(holds(explorer.ui)).toBe(true));
export const notes = (explorer: Explorer): string[] => explorer.ui.notes.map((note) => note.text);
export const countState = (explorer: Explorer, state: number): number =>
  [...(explorer.ui.map?.labelState ?? [])].filter((s) => s === state).length;
