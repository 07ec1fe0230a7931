/** What each outcome of a comparison is, and what it is useful for. */
import type { What } from "./contract";

export const MEANINGS: Readonly<Record<What, string>> = {
  "false positives": "Predictions without any label. Confident ones are often objects that nobody labeled.",
  "false negatives": "Labels without any prediction: the model missed them.",
  confusions: "Labels with a prediction of another class. Confident ones are often wrong labels.",
  "true positives": "Labels with a prediction of the same class.",
};
