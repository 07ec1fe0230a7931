import type { Job } from "./contract";

/** Calls that may take long: Python lists them as jobs after two seconds, with progress. */
export const SAVING = "Saving";
export const UNDOING = "Undoing";
export const isLong = (what: string): boolean => what === SAVING || what === UNDOING;

/** Whether it has not finished yet. */
export const isOpen = (job: Job): boolean => job.status === "queued" || job.status === "running";

/** Whether one that was started in a panel is open; those of the App's menu may make anything. */
export const isAtWork = (jobs: readonly Job[]): boolean =>
  jobs.some((job) => isOpen(job) && job.by_operator !== true && job.in_call !== true);

/**
 * The jobs that stand above the map. The result of a run started here is a message; one from the App's menu has no
 * other place for it. A failure is told until the same is tried again.
 */
export const jobsWithBar = (jobs: readonly Job[]): Job[] =>
  jobs.filter(
    (job, at) =>
      isOpen(job) ||
      (job.status === "failed" && !jobs.slice(at + 1).some(({ title }) => title === job.title)) ||
      (job.status !== "failed" && job.by_operator === true && job.message !== ""),
  );
