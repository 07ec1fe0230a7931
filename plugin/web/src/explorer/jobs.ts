import type { Job } from "./contract";

/** Whether it has not finished yet. */
export const isOpen = (job: Job): boolean => job.status === "queued" || job.status === "running";

/** Whether one that was started in a panel is open; those of the App's menu may make anything. */
export const isAtWork = (jobs: readonly Job[]): boolean => jobs.some((job) => isOpen(job) && job.by_operator !== true);
