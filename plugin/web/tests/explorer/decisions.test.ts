import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Decision } from "../../src/explorer/contract";
import { DecisionQueue, type Failed } from "../../src/explorer/review/decisions";

/** A browser's storage that outlives the page. */
class Kept implements Storage {
  readonly #values = new Map<string, string>();
  get length(): number {
    return this.#values.size;
  }
  key = (at: number): string | null => [...this.#values.keys()][at] ?? null;
  getItem = (key: string): string | null => this.#values.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.#values.set(key, value);
  removeItem = (key: string): void => void this.#values.delete(key);
  clear = (): void => this.#values.clear();
}

/** A server that applies each decision once, and can be slow, gone, or lose its answer. */
class Server {
  readonly calls: string[][] = [];
  readonly applied: string[] = [];
  readonly seen = new Set<string>();
  refused: string | null = null;
  mode: "well" | "gone" | "answer lost" = "well";
  #answers: (() => void)[] = [];
  slow = false;

  send = async (_: string, decisions: readonly Decision[]): Promise<Failed[]> => {
    this.calls.push(decisions.map(({ value }) => value));
    if (this.slow) await new Promise<void>((resolve) => this.#answers.push(resolve));
    if (this.mode === "gone") throw new Error("Failed to fetch");
    const failed: Failed[] = [];
    for (const { id, value } of decisions) {
      if (this.seen.has(id)) continue;
      if (value === this.refused) failed.push({ id, reason: "It is no longer in the dataset." });
      else {
        this.seen.add(id);
        this.applied.push(value);
      }
    }
    if (this.mode === "answer lost") throw new Error("Failed to fetch");
    return failed;
  };

  answer(): void {
    this.#answers.shift()?.();
  }
}

const label = (value: string): Omit<Decision, "id"> => ({
  map: "m",
  field: "f",
  item: value,
  kind: "label",
  value,
  shown: null,
});
const turns = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(0));

function page(server: Server, storage: Kept | null) {
  const told: string[] = [];
  const queue = new DecisionQueue(
    {
      send: server.send,
      onFailed: (failed) => void told.push(`failed ${failed.length}`),
      onUnreachable: (waiting) => void told.push(`unreachable ${waiting}`),
      onDropped: () => void told.push("dropped"),
      onCaughtUp: (count) => void told.push(`caught up ${count}`),
    },
    storage,
  );
  queue.open("digits");
  return { queue, told };
}

describe("decisions on their way", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("go one call at a time, and what is decided meanwhile goes in the next one", async () => {
    const server = new Server();
    server.slow = true;
    const { queue } = page(server, new Kept());
    queue.add(label("1"));
    await turns();
    for (const value of ["2", "3", "4"]) queue.add(label(value));
    await turns();
    expect(server.calls).toEqual([["1"]]);
    server.answer();
    await turns();
    expect(server.calls).toEqual([["1"], ["2", "3", "4"]]);
    server.answer();
    await turns();
    expect(server.applied).toEqual(["1", "2", "3", "4"]);
  });

  it("are kept until they are acknowledged, and sent in order after a reload, none twice", async () => {
    const server = new Server();
    const storage = new Kept();
    server.mode = "answer lost";
    const before = page(server, storage);
    before.queue.add(label("1"));
    before.queue.add(label("2"));
    await turns();
    server.mode = "gone";
    before.queue.add(label("3"));
    expect(storage.length).toBe(3);
    server.mode = "well";
    const { queue, told } = page(server, storage);
    queue.add(label("4"));
    await turns();
    expect(server.applied).toEqual(["1", "2", "3", "4"]);
    expect(storage.length).toBe(0);
    expect(told).toEqual(["caught up 3"]);
    expect(before.told[0]).toBe("unreachable 2");
  });

  it("of another dataset stay kept until one returns to it", async () => {
    const server = new Server();
    const storage = new Kept();
    server.mode = "gone";
    const { queue } = page(server, storage);
    queue.add(label("1"));
    await turns();
    server.mode = "well";
    queue.open("digits:2");
    queue.add(label("other"));
    await turns();
    expect(server.applied).toEqual(["other"]);
    queue.open("digits");
    await turns();
    expect(server.applied).toEqual(["other", "1"]);
  });

  it("are sent again by themselves once the server is back, and one is told once", async () => {
    const server = new Server();
    server.mode = "gone";
    const { queue, told } = page(server, null);
    queue.add(label("1"));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(told).toEqual(["unreachable 1"]);
    server.mode = "well";
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.applied).toEqual(["1"]);
  });

  it("that could not be applied are named and not sent again", async () => {
    const server = new Server();
    server.refused = "2";
    const storage = new Kept();
    const { queue, told } = page(server, storage);
    for (const value of ["1", "2", "3"]) queue.add(label(value));
    await turns();
    expect([server.applied, told, storage.length]).toEqual([["1", "3"], ["failed 1"], 0]);
  });

  it("are taken back as long as no call has taken them along", async () => {
    const server = new Server();
    server.slow = true;
    const { queue } = page(server, new Kept());
    const first = queue.add(label("1"));
    await turns();
    const second = queue.add(label("2"));
    expect(queue.takeBack(second)).toBe(true);
    expect(queue.takeBack(second)).toBe(false);
    expect(queue.takeBack(first)).toBe(false);
    server.answer();
    await turns();
    expect(server.calls).toEqual([["1"]]);
  });
});

describe("an act among decisions", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("comes after those before it and before those behind it", async () => {
    const server = new Server();
    const { queue } = page(server, null);
    const save = async (): Promise<string> => {
      server.applied.push("saved");
      return "done";
    };
    queue.add(label("1"));
    const saved = queue.inOrder(save);
    queue.add(label("2"));
    await turns();
    expect(server.applied).toEqual(["1", "saved", "2"]);
    expect(await saved).toBe("done");
    const alone = queue.inOrder(save);
    queue.add(label("3"));
    await turns();
    expect(server.applied.slice(3)).toEqual(["saved", "3"]);
    expect(await alone).toBe("done");
  });

  it("is not done later, where the decisions before it cannot be sent", async () => {
    const server = new Server();
    server.mode = "gone";
    const { queue, told } = page(server, null);
    queue.add(label("1"));
    const work = vi.fn(async () => "done");
    const saved = queue.inOrder(work);
    await turns();
    expect(await saved).toBeNull();
    expect(told).toEqual(["unreachable 1", "dropped"]);
    server.mode = "well";
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.applied).toEqual(["1"]);
    expect(work).not.toHaveBeenCalled();
  });

  it("leave out what is damaged in the browser's storage", async () => {
    const server = new Server();
    const storage = new Kept();
    storage.setItem("labelscape:decision:digits:1", "{not json");
    const { queue } = page(server, storage);
    queue.add(label("7"));
    await turns();
    expect(server.applied).toEqual(["7"]);
  });
});
