/** The dialog of an action: its form, what it would do in numbers, then its progress and outcome. */
import * as React from "react";
import { counted } from "../../parts/words";
import {
  isPassing,
  mayStartOver,
  newKey,
  patiently,
  Refused,
  type ActionInfo,
  type Api,
  type FormField,
  type Job,
  type Preview,
  type Values,
} from "./api";
import type { Selection } from "./host";

const TYPING_MS = 350;
const POLL_MS = 300;
const PREVIEW_PAUSES_MS = [3_000, 3_000, 5_000, 10_000, 20_000, 40_000];
const START_PAUSES_MS = [1_000, 3_000, 8_000];
const POLL_PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

interface Props {
  readonly api: Api;
  readonly action: ActionInfo;
  readonly selection: Selection;
  /** Values that replace those of the form at its start. */
  readonly given?: Values;
  /** Closed; `done` if the action changed something. */
  readonly onClose: (done: boolean) => void;
  readonly onOpenTab: (title: string) => void;
}

export function ActionDialog(props: Props): React.ReactElement {
  const { action, onClose } = props;
  const [values, setValues] = React.useState<Values>(() => ({ ...startValues(action), ...props.given }));
  const incomplete = action.form.some(({ fields }) => fields.some((field) => isUnchosen(field, values)));
  const { job, failure, starting, start, canceling, cancel } = useJob(props, values);
  const { preview, refusal, again } = usePreview(props, values, job === null && !incomplete);
  const frame = React.useRef<HTMLDialogElement>(null);
  const running = job === null ? starting : job.outcome === null;
  const close = (): void => {
    if (!running) onClose(job?.state === "done");
  };
  React.useEffect(() => frame.current?.showModal(), []);
  // What had the focus is no longer there, or cannot be used.
  React.useEffect(() => {
    if (running) frame.current?.focus();
  }, [running]);
  return (
    <dialog
      ref={frame}
      className="lsx-dialog"
      tabIndex={-1}
      aria-label={action.title}
      data-testid="labelscape-dialog"
      onKeyDown={(event) => event.stopPropagation()}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!running && preview) void start();
        }}
      >
        <h2>{action.title}</h2>
        <p className="lsx-quiet">{action.text}</p>
        {job === null && (
          <>
            <fieldset disabled={starting}>
              <Fields action={action} values={values} onChange={setValues} />
            </fieldset>
            {!incomplete && (
              <Announcement
                action={action}
                preview={preview}
                refusal={failure ?? refusal}
                onAgain={failure === null ? again : null}
              />
            )}
          </>
        )}
        {job !== null && <Progress job={job} failure={failure} canceling={canceling} />}
        <div className="lsx-buttons">
          {job?.outcome?.tab && job.state === "done" && (
            <button type="button" onClick={() => props.onOpenTab(job.outcome?.tab ?? "")}>
              Open “{job.outcome.tab}”
            </button>
          )}
          {running ? (
            <button type="button" aria-disabled={canceling} onClick={() => void cancel()}>
              {canceling ? "Canceling…" : "Cancel"}
            </button>
          ) : (
            <button type="button" onClick={close}>
              {job === null ? "Cancel" : "Close"}
            </button>
          )}
          {job === null && (
            <button type="submit" className="lsx-primary" disabled={preview === null || starting}>
              {action.title}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

function Fields(props: {
  readonly action: ActionInfo;
  readonly values: Values;
  readonly onChange: (values: Values) => void;
}): React.ReactElement {
  const { values, onChange } = props;
  const fields = props.action.form.flatMap((part) => part.fields);
  return (
    <>
      {fields.map((field) => (
        <label key={field.name} className="lsx-field">
          <span>{field.label}</span>
          {field.type === "select" ? (
            <select
              name={field.name}
              value={values[field.name] ?? ""}
              onChange={(event) => onChange({ ...values, [field.name]: event.target.value })}
            >
              {isUnchosen(field, values) && (
                <option value="" disabled>
                  Choose a {field.label.toLowerCase()}…
                </option>
              )}
              {(field.options ?? []).map((option) => (
                <option key={option.value} value={option.value}>
                  {option.label}
                </option>
              ))}
            </select>
          ) : (
            <input
              name={field.name}
              value={values[field.name] ?? ""}
              onChange={(event) => onChange({ ...values, [field.name]: event.target.value })}
            />
          )}
        </label>
      ))}
    </>
  );
}

function Announcement(props: {
  readonly action: ActionInfo;
  readonly preview: Preview | null;
  readonly refusal: string | null;
  /** Ask for the preview again; null where that is of no use. */
  readonly onAgain: (() => void) | null;
}): React.ReactElement {
  const { preview, refusal, onAgain } = props;
  if (refusal !== null)
    return (
      <>
        <p className="lsx-warning" role="alert" data-testid="labelscape-refusal">
          {refusal}
        </p>
        {onAgain && (
          <div className="lsx-buttons">
            <button type="button" onClick={onAgain}>
              Try again
            </button>
          </div>
        )}
      </>
    );
  if (preview === null) return <p className="lsx-quiet">Counting…</p>;
  const selected = props.action.takes_tasks ? `${counted(preview.selected, "task")} selected.` : "";
  const sentence = preview.sentence.startsWith(selected) ? preview.sentence.slice(selected.length) : preview.sentence;
  return (
    <p className="lsx-announcement" data-testid="labelscape-preview">
      {selected !== "" && <b>{selected} </b>}
      {sentence}
    </p>
  );
}

function Progress(props: {
  readonly job: Job;
  readonly failure: string | null;
  readonly canceling: boolean;
}): React.ReactElement {
  const { job, failure } = props;
  if (failure !== null)
    return (
      <p className="lsx-warning" role="alert">
        {failure}
      </p>
    );
  if (job.outcome !== null)
    return (
      <p
        className={job.state === "done" ? "lsx-announcement" : "lsx-warning"}
        role="status"
        data-testid="labelscape-outcome"
      >
        {props.canceling && job.state === "done" && "It was too late to cancel. "}
        {job.outcome.sentence}
      </p>
    );
  return (
    <div data-testid="labelscape-progress">
      <progress value={job.fraction} max={1} />
      <p className="lsx-quiet">{job.message || "Waiting for its turn"}</p>
    </div>
  );
}

interface Previewed {
  readonly preview: Preview | null;
  readonly refusal: string | null;
  /** Ask again, after the last refusal of several, or of a backend that is busy; otherwise null. */
  readonly again: (() => void) | null;
}

const COUNTING: Previewed = { preview: null, refusal: null, again: null };

/**
 * What the action would do with these values, once the user stopped typing; the latest question's answer counts.
 * A refusal that may pass is shown, and the question asked again, a limited number of times.
 */
function usePreview({ api, action, selection }: Props, values: Values, open: boolean): Previewed {
  const [answer, setAnswer] = React.useState(COUNTING);
  const [round, setRound] = React.useState(0);
  React.useEffect(() => {
    if (!open) return;
    let current = true;
    setAnswer(COUNTING);
    const look = async (): Promise<void> => {
      const ask = (): Promise<Preview> =>
        current ? api.preview(action.name, selection, values) : Promise.reject(new Refused("Nobody asks any more."));
      const show = (error: unknown, again: Previewed["again"] = null): void => {
        if (current) setAnswer({ preview: null, refusal: sentenceOf(error), again });
      };
      try {
        const preview = await patiently(ask, PREVIEW_PAUSES_MS, show, mayStartOver);
        if (current) setAnswer({ ...COUNTING, preview });
      } catch (error) {
        show(error, isPassing(error) ? () => setRound((one) => one + 1) : null);
      }
    };
    const timer = setTimeout(() => void look(), TYPING_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, action, selection, values, open, round]);
  return answer;
}

function useJob({ api, action, selection }: Props, values: Values) {
  const [job, setJob] = React.useState<Job | null>(null);
  const [failure, setFailure] = React.useState<string | null>(null);
  const [starting, setStarting] = React.useState(false);
  const [canceling, setCanceling] = React.useState(false);
  const asked = React.useRef(false);
  const unwanted = React.useRef(false);
  const sent = React.useRef<{ readonly values: Values; readonly key: string } | null>(null);
  React.useEffect(() => setFailure(null), [values]);
  const start = async (): Promise<void> => {
    if (asked.current) return; // a double click
    asked.current = true;
    unwanted.current = false;
    setStarting(true);
    setFailure(null);
    // The action may have started although its answer was lost: the same key then returns its job.
    if (sent.current?.values !== values) sent.current = { values, key: newKey() };
    const { key } = sent.current;
    try {
      const ask = (): Promise<Job> => api.start(action.name, selection, values, key);
      let now = await patiently(ask, START_PAUSES_MS, (error) => setFailure(sentenceOf(error)));
      setFailure(null);
      setJob(now);
      if (unwanted.current) void stop(now.id);
      while (now.outcome === null) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        const { id } = now;
        now = await patiently(() => api.job(id), POLL_PAUSES_MS);
        setJob(now);
      }
    } catch (error) {
      setFailure(sentenceOf(error));
      setCanceling(false);
      setJob((now) => now && { ...now, state: "failed", outcome: { sentence: "", numbers: {}, tasks: [], tab: "" } });
      asked.current = false;
    }
    setStarting(false);
  };
  // Where the request fails for good, the button can be pressed again.
  const stop = (id: string): Promise<unknown> =>
    patiently(() => api.cancel(id), POLL_PAUSES_MS).catch(() => setCanceling(false));
  const cancel = async (): Promise<void> => {
    if (canceling) return;
    setCanceling(true);
    unwanted.current = true; // it may have started although its answer is not here yet
    if (job) await stop(job.id);
  };
  return { job, failure, starting, start, canceling, cancel };
}

export const sentenceOf = (error: unknown): string =>
  error instanceof Refused ? error.message : "Something went wrong in this page: reload it and try again.";

/** Whether a choice that has no default is still to be made. */
export const isUnchosen = ({ type, name, options }: FormField, values: Values): boolean =>
  type === "select" && (values[name] ?? "") === "" && !options?.some(({ value }) => value === "");

function startValues(action: ActionInfo): Values {
  const fields = action.form.flatMap((part) => part.fields);
  return Object.fromEntries(fields.map((field) => [field.name, field.value ?? ""]));
}
