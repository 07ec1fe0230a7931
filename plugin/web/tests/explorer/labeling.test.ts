import { describe, expect, it, vi } from "vitest";
import { LABEL_STATE } from "../../src/explorer/contract";
import { countState, notes, open, until } from "./bench";

describe("labeling", () => {
  it("sets a label, lights up neighbors, reaches further, and queues all until Save", async () => {
    const { explorer, asked } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("zebra");
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    expect(explorer.ui.reach?.label).toBe("zebra");
    expect(explorer.ui.color?.classes).toContain("zebra");
    const before = asked.length;
    explorer.labeling.setReach(7);
    expect(asked.length).toBe(before);
    await explorer.labeling.acceptReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(8);
    expect(explorer.ui.panel?.pending.labels).toBe(8);
    expect(countState(explorer, LABEL_STATE.human)).toBe(0);
    await explorer.labeling.save();
    expect(countState(explorer, LABEL_STATE.human)).toBe(8);
    expect(notes(explorer)).toContain("Saved 8 labels. Press u to undo.");
  });

  it("tells which labels its screen showed, what it changed itself included, and what was left alone", async () => {
    const { explorer, host } = await open("unlabeled");
    const shown: (string | null)[] = [];
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if ("shown" in ask && method !== "select") shown.push(ask.shown as string | null);
      const answer = await call(method, ask);
      return method === "delete" ? { ...answer, kept: "1 sample was left alone." } : answer;
    };
    const onScreen = (): string | null => explorer.ui.map?.labelStateVersion ?? null;
    const before = onScreen();
    explorer.selecting.selectRows([5]);
    const first = explorer.labeling.setLabel("cat");
    const second = explorer.labeling.setLabel("dog"); // typed before the first one was answered
    await first;
    await second;
    await explorer.labeling.undo();
    const afterwards = onScreen();
    await explorer.labeling.delete();
    expect(shown).toHaveLength(3);
    expect([shown[0], shown[2]]).toEqual([before, afterwards]);
    expect(shown[1]).not.toBe(before);
    expect(notes(explorer)).toContain("1 sample was left alone.");
  });

  it("leaves only the one when the neighbors are not wanted, and undo takes it back", async () => {
    const { explorer } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("cat");
    explorer.labeling.leaveReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(1);
    await explorer.labeling.undo();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(0);
  });

  it("sends no column again for labels, deletions and undo", async () => {
    const { explorer, asked } = await open();
    const read = vi.spyOn(globalThis, "fetch");
    explorer.selecting.selectRows([3, 4]);
    await explorer.labeling.setLabel("dog");
    await explorer.labeling.delete();
    await explorer.labeling.undo();
    expect(read).not.toHaveBeenCalled();
    expect(asked.filter((m) => m === "column")).toHaveLength(1);
    read.mockRestore();
  });

  it.each(["set_label", "label_neighbors"] as const)(
    "shows no neighbors of what is labeled where one has gone on to another before %s is answered",
    async (slow) => {
      const { explorer, host } = await open();
      explorer.selecting.selectRows([3]);
      const call = host.call.bind(host);
      host.call = async (method, ask) => {
        const answer = await call(method, ask);
        if (method === slow) explorer.selecting.selectRows([7]);
        return answer;
      };
      await explorer.labeling.setLabel("zebra");
      expect(explorer.ui.reach).toBeNull();
      expect(explorer.ui.map?.labelState[3]).toBe(LABEL_STATE.pendingLabel);
      expect(explorer.ui.map?.labelState[7]).not.toBe(LABEL_STATE.pendingLabel);
    },
  );

  it("leaves out of the reach what one clicks, and takes it in again", async () => {
    const { explorer } = await open("unlabeled");
    explorer.selecting.selectRows([5]);
    await explorer.labeling.setLabel("zebra");
    explorer.labeling.setReach(4);
    const first = explorer.ui.reach?.order[0] as number;
    const second = explorer.ui.reach?.order[1] as number;
    explorer.labeling.toggleReached(first);
    explorer.labeling.toggleReached(second);
    explorer.labeling.toggleReached(second);
    await explorer.labeling.acceptReach();
    expect(countState(explorer, LABEL_STATE.pendingLabel)).toBe(4);
    expect([explorer.ui.map?.labelState[first], explorer.ui.map?.labelState[second]]).toEqual([
      LABEL_STATE.unlabeled,
      LABEL_STATE.pendingLabel,
    ]);
  });

  it("leaves out of a label's reach what is ticked in the grid", async () => {
    const { explorer, host } = await open("unlabeled");
    await explorer.selecting.click(5, "replace");
    await explorer.labeling.setLabel("cat");
    const order = [...(explorer.ui.reach?.order ?? [])].slice(0, explorer.ui.reach?.count);
    expect(order.length).toBeGreaterThan(3);
    const [first, second] = order as [number, number];
    await explorer.selecting.takeTicked([first.toString(16), second.toString(16), (5).toString(16)]);
    expect(explorer.ui.reach?.left).toEqual(new Set([first, second]));
    await explorer.selecting.takeTicked([first.toString(16)]);
    expect(explorer.ui.reach?.left).toEqual(new Set([first]));
    expect(explorer.ui.selection.count).toBe(1); // still the one labeled
    await explorer.labeling.acceptReach();
    expect(explorer.ui.map?.labelState[first]).toBe(LABEL_STATE.unlabeled);
    expect(explorer.ui.map?.labelState[second]).toBe(LABEL_STATE.pendingLabel);
    expect(host.unticked).toBe(1);
  });

  it("leaves out by ticks for one label only: the next label starts with none", async () => {
    const { explorer, host } = await open("unlabeled");
    await explorer.selecting.click(5, "replace");
    await explorer.labeling.setLabel("cat");
    const out = explorer.ui.reach?.order[0] as number;
    await explorer.selecting.takeTicked([out.toString(16)]);
    await explorer.labeling.setLabel("dog");
    expect([explorer.ui.reach?.label, explorer.ui.reach?.left.size, host.unticked]).toEqual(["dog", 0, 1]);
  });

  it("keeps a selection made by ticks when the ticks that left out samples are taken off", async () => {
    const { explorer, host } = await open("unlabeled");
    await explorer.selecting.takeTicked([(5).toString(16)]);
    await explorer.labeling.setLabel("cat");
    const out = explorer.ui.reach?.order[0] as number;
    await explorer.selecting.takeTicked([(5).toString(16), out.toString(16)]);
    explorer.labeling.leaveReach();
    expect(host.unticked).toBe(1);
    await explorer.selecting.takeTicked([]); // as the App answers
    expect([explorer.ui.selection.count, explorer.ui.selection.mask[5]]).toEqual([1, 1]);
  });

  it("keeps a ticked sample that its thumbnail included again, whatever is ticked next", async () => {
    const { explorer } = await open("unlabeled");
    await explorer.selecting.click(5, "replace");
    await explorer.labeling.setLabel("cat");
    const [first, second] = [...(explorer.ui.reach?.order ?? [])] as [number, number];
    await explorer.selecting.takeTicked([first.toString(16)]);
    explorer.labeling.toggleReached(first);
    await explorer.selecting.takeTicked([first.toString(16), second.toString(16)]);
    expect(explorer.ui.reach?.left).toEqual(new Set([second]));
  });

  it("accepts the confident suggestions, and the uncertain ones only when told so", async () => {
    const { explorer } = await open();
    const before = (state: number): number => countState(explorer, state);
    const [confident, uncertain] = [before(LABEL_STATE.suggested), before(LABEL_STATE.uncertain)];
    expect(Math.min(confident, uncertain)).toBeGreaterThan(0);
    explorer.selecting.invert();
    await explorer.labeling.accept("confident");
    expect([before(LABEL_STATE.pendingLabel), before(LABEL_STATE.uncertain)]).toEqual([confident, uncertain]);
    await explorer.labeling.accept("confident");
    expect(before(LABEL_STATE.uncertain)).toBe(uncertain);
    await explorer.labeling.accept("uncertain");
    expect([before(LABEL_STATE.pendingLabel), before(LABEL_STATE.uncertain)]).toEqual([confident + uncertain, 0]);
  });

  it("shows in the preview what label and undo made of the sample", async () => {
    const { explorer } = await open("unlabeled");
    await explorer.selecting.click(5, "replace");
    await explorer.labeling.setLabel("cat");
    await until(explorer, (ui) => ui.preview?.label === "cat");
    await explorer.labeling.undo();
    await until(explorer, (ui) => ui.preview?.label === null);
  });

  it("saves and discards what was just asked for, however late the answer comes", async () => {
    const { explorer, host } = await open("unlabeled");
    const call = host.call.bind(host);
    host.call = async (method, ask) => {
      if (method === "set_label") await new Promise((resolve) => setTimeout(resolve, 50));
      return call(method, ask);
    };
    explorer.selecting.selectRows([5]);
    void explorer.labeling.setLabel("cat");
    await explorer.labeling.save();
    expect(notes(explorer)).toContain("Saved 1 label. Press u to undo.");
    explorer.selecting.selectRows([6]);
    void explorer.labeling.setLabel("cat");
    await explorer.labeling.discard();
    expect(notes(explorer).some((note) => note.startsWith("1 pending change discarded."))).toBe(true);
  });

  it("asks for nothing and says why, where nothing is selected, suggested or pending", async () => {
    const { explorer, asked } = await open("unlabeled");
    const before = asked.length;
    await explorer.labeling.delete();
    await explorer.labeling.save();
    explorer.selecting.selectRows([1]);
    await explorer.labeling.accept("confident");
    expect(asked.slice(before).filter((m) => m !== "select")).toEqual([]);
    expect(notes(explorer)).toEqual([
      "Select samples to delete first: click a point, or draw a lasso.",
      "Nothing to save.",
      "The selected sample has no suggestion.",
    ]);
  });

  it("tells an error of the server in its words and goes on", async () => {
    const { explorer } = await open();
    await explorer.labeling.undo();
    expect(notes(explorer)).toEqual(["Nothing to undo."]);
    expect(explorer.ui.busy).toEqual([]);
  });
});
