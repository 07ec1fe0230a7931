/** The parts of Label Studio's panel that are plain functions. */
import { describe, expect, it, vi } from "vitest";
import { isUnchosen } from "../../src/hosts/label_studio/ActionDialog";
import {
  csrfToken,
  mayStartOver,
  newKey,
  patiently,
  refusalIn,
  Refused,
  type MapColumns,
} from "../../src/hosts/label_studio/api";
import { asRanges, colored, namesOf } from "../../src/hosts/label_studio/columns";
import { chosenLabel, imageAddress, placeOf } from "../../src/hosts/label_studio/host";
import { cutOut } from "../../src/hosts/label_studio/TaskPanel";
import { NO_VALUE } from "../../src/scatter/colors";

const map: MapColumns = {
  tasks: [1, 2, 3],
  regions: [],
  x: [0, 1, 2],
  y: [0, 1, 2],
  labels: ["cat", null, "cat"],
  predictions: [null, "dog", null],
  confidence: [null, 0.9, null],
  annotators: [7, null, 8],
  outlier: [0.1, 0.3, 0.5],
  mislabel: [null, null, null],
};

describe("the thumbnail of a region", () => {
  it("is the part of the image inside its box, also where the box ends outside", () => {
    expect(cutOut([0.1, 0.2, 0.3, 0.4])).toBe("inset(20.00% 60.00% 40.00% 10.00%)");
    expect(cutOut([0.8, 0, 0.4, 1])).toBe("inset(0.00% 0.00% 0.00% 80.00%)");
  });
});

describe("the label in the dialog of an action", () => {
  it("is still to be chosen where the region has neither label nor prediction", () => {
    const options = [{ value: "cat", label: "cat" }];
    const field = { type: "select", name: "label", label: "Label", options } as const;
    expect([isUnchosen(field, { label: "" }), isUnchosen(field, { label: "cat" })]).toEqual([true, false]);
  });
});

describe("the place of a page", () => {
  it("is found below a path, and only where tasks are shown", () => {
    expect(placeOf("/projects/3/data")).toEqual({ base: "", project: 3 });
    expect(placeOf("/labelstudio/projects/12/data/")).toEqual({ base: "/labelstudio", project: 12 });
    expect(placeOf("/projects/3/settings")).toBeNull();
  });
});

describe("the chosen label", () => {
  const editor = (...items: object[]) => ({
    annotationStore: { selected: { serializeAnnotation: () => items } },
  });
  it("is that of the control that is served", () => {
    const other = { from_name: "quality", value: { choices: ["good"] } };
    const own = { from_name: "pet", value: { choices: ["cat", "dog"] } };
    expect(chosenLabel(editor(other, own), "pet")).toBe("cat");
    expect(chosenLabel(editor(other), "pet")).toBeNull();
    expect(chosenLabel(null, "pet")).toBeNull();
  });
  it("is the last part of a nested choice", () => {
    expect(chosenLabel(editor({ from_name: "pet", value: { choices: [["animal", "cat"]] } }), "pet")).toBe("cat");
  });
});

describe("the address of an image", () => {
  it("is of the web or of this Label Studio, and never runs a script", () => {
    expect(imageAddress("/data/local-files/?d=a.png", "/labelstudio")).toBe("/labelstudio/data/local-files/?d=a.png");
    expect(imageAddress("https://example.com/a.png", "/labelstudio")).toBe("https://example.com/a.png");
    expect(imageAddress("javascript:alert(1)", "")).toBeNull();
    expect(imageAddress("//example.com/a.png", "")).toBeNull();
    expect(imageAddress("s3://bucket/a.png", "")).toBeNull();
  });
});

describe("colors", () => {
  it("leave unlabeled tasks without a color and count each class", () => {
    const { codes, legend } = colored(map, "label");
    expect([...codes]).toEqual([0, NO_VALUE, 0]);
    expect(legend.map((one) => [one.name, one.count])).toEqual([["cat", 2]]);
  });
  it("of numbers span their range, and there may be none", () => {
    const { codes, range } = colored(map, "outlier");
    expect(range?.[0]).toBeCloseTo(0.1);
    expect(range?.[1]).toBeCloseTo(0.5);
    expect(new Set(codes).size).toBe(3);
    expect([...colored(map, "mislabel").codes]).toEqual([NO_VALUE, NO_VALUE, NO_VALUE]);
  });
});

describe("colors by annotator", () => {
  const annotators = [7, null, 8, 8];
  const shown = (...users: Parameters<typeof namesOf>[0]) =>
    colored({ ...map, annotators }, "annotator", namesOf(users)).legend.map((one) => one.name);
  it("name people as Label Studio does: the full name, else the user name, else the address", () => {
    const ada = { id: 8, first_name: "Ada", last_name: "Lovelace", username: "ada", email: "ada@example.com" };
    expect(shown(ada, { id: 7, first_name: "", username: "bob", email: "bob@example.com" })).toEqual([
      "Ada Lovelace",
      "bob",
    ]);
    expect(shown({ id: 8, email: "ada@example.com" }, { id: 7, last_name: "Bob" })).toEqual(["ada@example.com", "Bob"]);
  });
  it("keep people apart who have the same name, or whose name may not be seen", () => {
    expect(shown({ id: 7, username: "ada" }, { id: 8, username: "ada" })).toEqual(["ada (8)", "ada (7)"]);
    expect(shown()).toEqual(["User 8", "User 7"]);
  });
});

describe("a lasso as a filter", () => {
  it("lists ranges of ids, in order and once", () => {
    expect(asRanges([9, 3, 4, 5, 4, 7])).toBe("3-5,7,9");
    expect(asRanges([])).toBe("");
  });
});

describe("the key of a start", () => {
  it("is another one each time, also on a page without HTTPS", () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const keys = [newKey(), newKey()];
    vi.unstubAllGlobals();
    expect(keys.map((key) => /^[0-9a-f]{32}$/.test(key))).toEqual([true, true]);
    expect(new Set(keys).size).toBe(2);
  });
});

describe("the CSRF token", () => {
  it("is read from its own cookie", () => {
    expect(csrfToken("a=b; csrftoken=xyz; sessionid=s")).toBe("xyz");
    expect(csrfToken("notcsrftoken=xyz")).toBe("");
  });
});

describe("a request that may succeed a moment later", () => {
  const failing = (times: number, error: Error) => {
    let asked = 0;
    const ask = (): Promise<number> => (++asked <= times ? Promise.reject(error) : Promise.resolve(asked));
    return ask;
  };
  it("is repeated after each pause, and no longer", async () => {
    const locked = new Refused("Label Studio answered with status 500.", true);
    expect(await patiently(failing(2, locked), [0, 0])).toBe(3);
    await expect(patiently(failing(3, locked), [0, 0])).rejects.toBe(locked);
    const shown: unknown[] = [];
    await patiently(failing(2, locked), [0, 0], (error) => shown.push(error));
    expect(shown).toEqual([locked, locked]);
  });
  it("is one that the server or a gateway failed, with the reason in its answer", () => {
    const refusals = [403, 500, 503, 504].map((status) => refusalIn(status, { detail: "why" }));
    expect(refusals.map((refused) => [refused.message, refused.passing])).toEqual(
      [false, true, true, true].map((passing) => ["why", passing]),
    );
    expect(refusalIn(500, null).message).toBe("Label Studio answered with status 500.");
  });
  it("asks for a running job again where an answer is late, but not for an expensive preview", async () => {
    const late = refusalIn(504, { detail: "The Labelscape backend is busy." });
    expect(await patiently(failing(2, late), [0, 0])).toBe(3);
    await expect(patiently(failing(1, late), [0, 0], undefined, mayStartOver)).rejects.toBe(late);
    expect(await patiently(failing(2, refusalIn(503, null)), [0, 0], undefined, mayStartOver)).toBe(3);
  });
  it("is not repeated where it was refused for good", async () => {
    const refused = new Refused("You no longer have access to this project, so nothing was done.");
    await expect(patiently(failing(1, refused), [0, 0])).rejects.toBe(refused);
  });
});
