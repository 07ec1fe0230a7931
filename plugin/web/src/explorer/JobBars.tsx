/** The jobs of the dataset: progress and Stop while they run, then what went wrong or what came out, and next steps. */
import * as React from "react";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { percent } from "../parts/words";
import { useExplorer, useUi } from "./context";
import type { Job } from "./contract";

export function JobBars(): React.ReactElement {
  const jobs = useUi((ui) => ui.panel?.jobs);
  const [closed, setClosed] = React.useState<ReadonlySet<string>>(new Set());
  const shown = (jobs ?? []).filter((job) => hasBar(job) && !closed.has(job.id));
  return (
    <>
      {shown.map((job) => (
        <div
          key={job.id}
          className={`ls-bar${job.status === "failed" ? " ls-warn" : ""}`}
          role="group"
          aria-label={`Job: ${job.title}`}
        >
          <strong>{job.title}</strong>
          {isOpen(job) ? (
            <Running job={job} />
          ) : (
            <Ended job={job} onClose={() => setClosed(new Set([...closed, job.id]))} />
          )}
        </div>
      ))}
    </>
  );
}

const isOpen = (job: Job): boolean => job.status === "queued" || job.status === "running";

/** The result of a run that was started here is a message; that of the App's menu has no other place. */
const hasBar = (job: Job): boolean =>
  isOpen(job) || job.status === "failed" || (job.by_operator === true && job.message !== "");

function Running({ job }: { readonly job: Job }): React.ReactElement {
  const explorer = useExplorer();
  const share = job.status === "queued" || job.progress === null ? "" : `${percent(job.progress)} `;
  return (
    <>
      <progress
        max={1}
        {...(job.progress === null ? {} : { value: job.progress })}
        aria-label={`Progress of ${job.title}`}
      />
      <span className="ls-quiet ls-job-text" role="status">
        {share}
        {job.message}
      </span>
      {job.cancellable && <Button onClick={() => void explorer.runs.cancel(job.id)}>Stop</Button>}
    </>
  );
}

function Ended({ job, onClose }: { readonly job: Job; readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  return (
    <>
      <span className="ls-job-text" role="status">
        {job.message}
      </span>
      {(job.steps ?? []).map((step, at) => (
        <Button key={step} onClick={() => void explorer.runs.takeStep(job.id, at)}>
          {step}
        </Button>
      ))}
      <Button label={`Close: ${job.title}`} title="Close" onClick={onClose}>
        <Icon name="close" />
      </Button>
    </>
  );
}
