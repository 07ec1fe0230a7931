import type { ModelChoice } from "../src/explorer/contract";

/** The embedding models that the made-up host offers. */
export const MODELS: ModelChoice[] = [
  {
    way: "preprocessing",
    title: "Preprocessing",
    why: "No network.",
    argument: "",
    names: [],
    inspects: false,
    options: [],
  },
  {
    way: "torchvision",
    title: "Pretrained",
    why: "A backbone.",
    argument: "architecture",
    names: ["resnet18", "resnet50"],
    inspects: false,
    options: [],
  },
  { way: "trained", title: "Trained", why: "On your labels.", argument: "", names: [], inspects: false, options: [] },
  {
    way: "precomputed",
    title: "Precomputed",
    why: "Vectors you have.",
    argument: "",
    names: [],
    inspects: false,
    options: [],
  },
];
