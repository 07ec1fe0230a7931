/** What the choice of a model means, asked of Python as soon as one stops typing. */
import * as React from "react";
import { sentence } from "../../parts/words";
import { useExplorer } from "../context";
import type { EmbeddingsForm, ModelChoice, Plan } from "../contract";
import { embeds } from "./ways";

const TYPING_MS = 400;
const UNKNOWN: Plan = { count: 0, noun: "sample", seconds: null, network: null, trouble: null };

interface Made {
  readonly model: string;
  readonly plan: Plan;
}

/** The plan for this model, which may still be that for its former settings; null while there is none. */
export function usePlan(form: EmbeddingsForm, way: ModelChoice | undefined): Plan | null {
  const explorer = useExplorer();
  const chosen = way?.way ?? "";
  const name = way && way.argument !== "" ? (form.name ?? way.names[0] ?? "").trim() : null;
  const isNeeded = way !== undefined && embeds(way) && name !== "";
  const model = `${chosen}/${name ?? ""}`;
  const size = form.options.size ?? "";
  const { patches_field } = form;
  const [made, setMade] = React.useState<Made | null>(null);
  React.useEffect(() => {
    if (!isNeeded) return;
    let current = true;
    const ask = { way: chosen, name, options: { size }, patches_field };
    const timer = window.setTimeout(() => {
      void explorer.runs
        .planEmbeddings(ask)
        .catch((error: unknown): Plan => ({ ...UNKNOWN, trouble: sentence(error) }))
        .then((plan) => current && setMade((before) => ({ model, plan: withNetwork(plan, model, before) })));
    }, TYPING_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [explorer, isNeeded, chosen, name, model, size, patches_field]);
  return isNeeded && made?.model === model ? made.plan : null;
}

/** The fields for a network stay where only its settings are wrong, so that they can be corrected. */
const withNetwork = (plan: Plan, model: string, before: Made | null): Plan =>
  plan.network === null && before?.model === model ? { ...plan, network: before.plan.network } : plan;
