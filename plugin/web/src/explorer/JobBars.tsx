/** The jobs of the dataset: progress and Stop while they run, then the error or the result, and next steps. */
import * as React from "react";
import { LinearProgress } from "@mui/material";
import { Icon } from "../parts/icons";
import { Button } from "../parts/parts";
import { useLeaving } from "../parts/Note";
import { Why } from "../parts/Why";
import { percent } from "../parts/words";
import { useExplorer, useUi } from "./context";
import type { Job } from "./contract";
import { isOpen, jobsWithBar } from "./jobs";

/** The bars stand above the panel or on the map: `closed`, the ids of those that were closed, outlives either place. */
export function JobBars(props: {
  readonly closed: ReadonlySet<string>;
  readonly onClose: (id: string) => void;
}): React.ReactElement {
  const jobs = useUi((ui) => ui.panel?.jobs);
  const shown = jobsWithBar(jobs ?? []).filter((job) => !props.closed.has(job.id));
  return (
    <>
      {shown.map((job) => (
        <JobBar key={job.id} job={job} onClose={() => props.onClose(job.id)} />
      ))}
    </>
  );
}

const SECONDS_ENDED = 30;

/** It leaves some time after the job has ended, unless that failed. */
function JobBar({ job, onClose }: { readonly job: Job; readonly onClose: () => void }): React.ReactElement {
  const stays = isOpen(job) || job.status === "failed";
  const box = React.useRef<HTMLDivElement>(null);
  useLeaving(box, stays ? null : SECONDS_ENDED, onClose);
  return (
    <div
      ref={box}
      className={`ls-bar ls-job${job.status === "failed" ? " ls-warn" : ""}`}
      role="group"
      aria-label={`Job: ${job.title}`}
    >
      {isOpen(job) ? <Running job={job} /> : <Ended job={job} onClose={onClose} />}
    </div>
  );
}

function Running({ job }: { readonly job: Job }): React.ReactElement {
  const explorer = useExplorer();
  const share = job.status === "queued" || job.progress === null ? "" : `${percent(job.progress)} `;
  return (
    <>
      <span className="ls-job-text" role="status">
        <strong>{job.title}</strong>{" "}
        <span className="ls-quiet">
          {share}
          {job.message}
        </span>
      </span>
      <LinearProgress
        className="ls-progress"
        aria-label={`Progress of ${job.title}`}
        {...(job.progress === null ? {} : { variant: "determinate", value: 100 * job.progress })}
      />
      {job.cancellable && <Button onClick={() => void explorer.runs.cancel(job.id)}>Stop</Button>}
    </>
  );
}

function Ended({ job, onClose }: { readonly job: Job; readonly onClose: () => void }): React.ReactElement {
  const explorer = useExplorer();
  return (
    <>
      <span className="ls-job-text" role="status">
        <strong>{job.status === "failed" ? `${job.title} failed.` : job.title}</strong> {job.message}
      </span>
      {job.why && <Why text={job.why} />}
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
