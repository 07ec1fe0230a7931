/** The settings of a model: its options, and what is in the file of one's own network. */
import * as React from "react";
import { TextField } from "../../parts/fields";
import { Picker, type PickerOption } from "../../parts/Picker";
import { capitalized, counted, listing } from "../../parts/words";
import type { EmbeddingsForm, ModelChoice, ModelOption, Network, Plan } from "../contract";
import { normalizationOf, NORMALIZATIONS, settingName } from "./ways";

const OF_MODEL = "@model";
const ANOTHER = "@another";

interface Part {
  readonly way: ModelChoice;
  readonly plan: Plan | null;
  readonly form: EmbeddingsForm;
  readonly set: (part: Partial<EmbeddingsForm>) => void;
}

export function ModelSettings(props: Part): React.ReactElement | null {
  const { way, plan, form, set } = props;
  const network = plan?.network ?? null;
  const choose = (name: string, text: string): void => set({ options: { ...form.options, [name]: text } });
  const field = (option: ModelOption, required = false): React.ReactElement => (
    <OptionField
      key={option.name}
      option={option}
      required={required}
      value={form.options[option.name] ?? ""}
      onChange={(text) => choose(option.name, text)}
    />
  );
  if (way.options.length === 0) return null;
  const asked = network?.undeclared ?? [];
  const layers = network !== null && network.layers.length > 0;
  const rest = way.options.filter(
    ({ name, kind }) => kind !== "file" && !asked.includes(name) && !(name === "layer" && layers),
  );
  return (
    <>
      {way.options.filter(({ kind }) => kind === "file").map((option) => field(option))}
      {plan?.trouble && (
        <p className="ls-danger-text" role="alert">
          {plan.trouble}
        </p>
      )}
      {network && <Contents network={network} />}
      {layers && <LayerPicker network={network} chosen={form.options.layer ?? ""} onChange={choose} />}
      {asked.includes("mean") || asked.includes("std") ? (
        <Normalization way={way} form={form} set={set} field={field} />
      ) : null}
      {way.options.filter(({ name }) => name === "size" && asked.includes(name)).map((option) => field(option, true))}
      {network && network.classes > 0 && form.patches_field === null && (
        <TextField
          label="Keep its predictions in"
          value={form.predictions ?? ""}
          placeholder="a new field (optional)"
          hint={
            `It predicts ${counted(network.classes, "class")}. ` +
            "Name a field to keep them with confidence and logits; leave it empty to discard them."
          }
          onChange={(text) => set({ predictions: text })}
        />
      )}
      <details open={Boolean(form.options.weights) || undefined}>
        <summary>{network ? "Other settings" : "Input settings of the model"}</summary>
        <div className="ls-form">{rest.map((option) => field(option))}</div>
      </details>
    </>
  );
}

/** One sentence on the file: its kind, its size, its classes, and the input settings that it declares. */
function Contents({ network }: { readonly network: Network }): React.ReactElement {
  const parts = listing([
    network.layers.length > 0 && counted(network.layers.length, "layer"),
    network.classes > 0 && counted(network.classes, "class"),
  ]);
  return (
    <p className="ls-quiet" role="status">
      {network.kind} network{parts && ` with ${parts}`}. The file{" "}
      {network.said.length > 0
        ? `declares its ${listing(network.said.map(settingName))}.`
        : "does not declare how to prepare images."}
    </p>
  );
}

function LayerPicker(props: {
  readonly network: Network;
  readonly chosen: string;
  readonly onChange: (name: string, layer: string) => void;
}): React.ReactElement {
  const { layers, cut } = props.network;
  const noteOf = (name: string | null): string | undefined => {
    const layer = layers.find((one) => one.name === name);
    return layer && `${layer.size.join(" × ")} · ${layer.kind}`;
  };
  const usual = { value: OF_MODEL, name: cut === null ? "the output" : "before the last linear layer" };
  const note = noteOf(cut);
  const options: PickerOption[] = [
    note === undefined ? usual : { ...usual, note },
    ...layers.map(({ name }) => ({ value: name, name, note: noteOf(name) ?? "" })),
  ];
  return (
    <Picker
      label="Embedding taken from"
      wide
      value={props.chosen === "" ? OF_MODEL : props.chosen}
      options={options}
      onChange={(name) => props.onChange("layer", name === OF_MODEL ? "" : name)}
    />
  );
}

/** How the values of images are scaled, which the file does not declare: never chosen silently. */
function Normalization(
  props: Omit<Part, "plan"> & { readonly field: (option: ModelOption, required: boolean) => React.ReactElement },
): React.ReactElement {
  const { way, form, set, field } = props;
  const known = normalizationOf(form.options);
  const [other, setOther] = React.useState(known === undefined && Boolean(form.options.mean));
  const value = other ? ANOTHER : (known?.name ?? "");
  return (
    <>
      <Picker
        label="Normalization"
        wide
        value={value}
        {...(value === "" ? { shown: "choose…" } : {})}
        options={[
          ...NORMALIZATIONS.map(({ name, mean, std }) => ({ value: name, name, note: `mean ${mean}; std ${std}` })),
          { value: ANOTHER, name: "Another…", note: "type mean and standard deviation" },
        ]}
        onChange={(chosen) => {
          const preset = NORMALIZATIONS.find(({ name }) => name === chosen);
          setOther(!preset);
          set({ options: { ...form.options, mean: preset?.mean ?? "", std: preset?.std ?? "" } });
        }}
      />
      {other &&
        way.options.filter(({ name }) => name === "mean" || name === "std").map((option) => field(option, true))}
    </>
  );
}

function OptionField(props: {
  readonly option: ModelOption;
  readonly value: string;
  readonly required: boolean;
  readonly onChange: (text: string) => void;
}): React.ReactElement {
  const { option, value, onChange } = props;
  const label = capitalized(settingName(option.name));
  const choices = option.kind === "yes_no" ? ["yes", "no"] : option.kind === "choice" ? option.choices : null;
  if (choices)
    return (
      <Picker
        label={label}
        wide
        value={value === "" ? OF_MODEL : value}
        options={[
          { value: OF_MODEL, name: "the model's default" },
          ...choices.map((choice) => ({ value: choice, name: choice })),
        ]}
        onChange={(chosen) => onChange(chosen === OF_MODEL ? "" : chosen)}
      />
    );
  return (
    <TextField
      label={label}
      value={value}
      required={props.required}
      placeholder={
        option.kind === "file" ? "from the hub" : props.required ? (EXAMPLES[option.name] ?? "") : "the model's default"
      }
      hint={option.sentence}
      onChange={onChange}
    />
  );
}

const EXAMPLES: Readonly<Record<string, string>> = {
  size: "such as 224",
  mean: "such as 0.485, 0.456, 0.406",
  std: "such as 0.229, 0.224, 0.225",
};
