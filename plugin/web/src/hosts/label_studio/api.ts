/** Calls to our views in Label Studio, in the user's own session. */
import type { Selection } from "./host";

export interface FormField {
  readonly type: "select" | "input";
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

export interface ActionInfo {
  readonly name: string;
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly takes_tasks: boolean;
  readonly form: readonly { readonly fields: readonly FormField[] }[];
}

export interface Description {
  readonly described: {
    readonly control?: string;
    readonly classes?: readonly string[];
    readonly boxes?: boolean;
    readonly mapped?: boolean;
    readonly problem?: string;
  };
  readonly actions: readonly ActionInfo[];
  readonly missing: readonly string[];
  readonly user: number;
}

export interface Outcome {
  readonly sentence: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly tasks: readonly number[];
  readonly tab: string;
}

export interface Preview extends Outcome {
  readonly selected: number;
}

export interface Job {
  readonly id: string;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  readonly fraction: number;
  readonly message: string;
  readonly outcome: Outcome | null;
}

export interface MapColumns {
  readonly tasks: readonly number[];
  /** The region that each point is; empty where points are tasks. */
  readonly regions: readonly string[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly labels: readonly (string | null)[];
  readonly predictions: readonly (string | null)[];
  readonly confidence: readonly (number | null)[];
  readonly annotators: readonly (number | null)[];
  readonly outlier: readonly (number | null)[];
  readonly mislabel: readonly (number | null)[];
}

/** A task, or a region of one. */
export interface Item {
  readonly task: number;
  /** The id of a region; "" for a task. */
  readonly region: string;
  /** Where a region is on its image: x, y, width, height, 0 to 1; null for anything else. */
  readonly box: readonly [number, number, number, number] | null;
  readonly label: string | null;
  readonly prediction: string | null;
  readonly confidence: number | null;
  /** The address of an image; "" for any other medium. */
  readonly media: string;
  /** The beginning of a text, or the name of a recording, a series, or a video; "" for an image. */
  readonly title: string;
}

export interface Neighborhood {
  readonly label: string | null;
  /** Nearest first. */
  readonly neighbors: readonly Item[];
  /** The regions of the task, and the one whose neighbors these are; none and "" where tasks are labeled. */
  readonly regions: readonly Item[];
  readonly region: string;
}

/** A user as Label Studio describes one; who may see which fields is up to it. */
export interface User {
  readonly id: number;
  readonly first_name?: string;
  readonly last_name?: string;
  readonly username?: string;
  readonly email?: string;
}

/** A tab of the Data Manager. */
interface Tab {
  readonly id: number;
  readonly data?: { readonly title?: string; readonly hiddenColumns?: object };
}

export type Values = Readonly<Record<string, string>>;

/** A refusal, in a sentence for the user. */
export class Refused extends Error {
  constructor(
    sentence: string,
    /** Whether the same request may succeed a moment later. */
    readonly passing = false,
    /** Whether what was requested may still be in progress: the answer was only late. */
    readonly late = false,
  ) {
    super(sentence);
  }
}

export const isPassing = (error: unknown): boolean => error instanceof Refused && error.passing;

/** Whether expensive work may be requested again: not while the backend may still be busy with it. */
export const mayStartOver = (error: unknown): boolean => error instanceof Refused && error.passing && !error.late;

/** The refusal in an answer of this status. */
export const refusalIn = (status: number, answer: unknown): Refused =>
  new Refused(detailOf(answer) ?? refusalOf(status), status >= 500, status === 504);

/**
 * Ask again, after each of these pauses, where a refusal may pass; `onRefused` shows it meanwhile.
 * On SQLite, Label Studio (1.23) refuses some of many writers.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  pauses: readonly number[],
  onRefused: (error: unknown) => void = () => undefined,
  mayRepeat: (error: unknown) => boolean = isPassing,
): Promise<T> {
  for (const pause of pauses) {
    try {
      return await ask();
    } catch (error) {
      if (!mayRepeat(error)) throw error;
      onRefused(error);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return ask();
}

export class Api {
  constructor(
    readonly base: string,
    readonly project: number,
  ) {}

  describe = (): Promise<Description> => this.call("GET", "description");
  map = (): Promise<MapColumns> => this.call("GET", "map");
  next = (): Promise<{ readonly tasks: readonly number[] }> => this.call("GET", "next");
  neighbors = (task: number, region: string): Promise<Neighborhood> =>
    this.call("GET", `tasks/${task}/neighbors?region=${encodeURIComponent(region)}`);
  preview = (action: string, selection: Selection, values: Values): Promise<Preview> =>
    this.call("POST", `actions/${action}/preview`, { ...selection, values });
  /** Start an action; asked again with the same key, it is the same job. */
  start = (action: string, selection: Selection, values: Values, key: string): Promise<Job> =>
    this.call("POST", `actions/${action}`, { ...selection, values }, { "Idempotency-Key": key });
  job = (id: string): Promise<Job> => this.call("GET", `jobs/${id}`);
  cancel = (id: string): Promise<Job> => this.call("DELETE", `jobs/${id}`);

  /** The users that Label Studio shows to this user. */
  users = (): Promise<readonly User[]> => this.fetch("GET", "/api/users/");

  /** The id of the tab of this title, null if there is none. */
  async tab(title: string): Promise<number | null> {
    return (await this.tabs()).find((tab) => tab.data?.title === title)?.id ?? null;
  }

  /** Show these tasks in a tab of this title, new or not, with the columns of the tab that is open. */
  async showTasks(title: string, filter: string, open: number | null): Promise<number> {
    const tabs = await this.tabs();
    const here = tabs.find((tab) => tab.id === open) ?? tabs[0];
    const item = { filter: "filter:tasks:data.ls_map", operator: "equal", type: "String", value: filter };
    const { hiddenColumns } = here?.data ?? {};
    const data = { title, filters: { conjunction: "and", items: [item] }, ...(hiddenColumns && { hiddenColumns }) };
    const there = tabs.find((tab) => tab.data?.title === title);
    const body = { project: this.project, data };
    if (there) {
      await this.fetch("PATCH", `/api/dm/views/${there.id}/`, body);
      return there.id;
    }
    return (await this.fetch<Tab>("POST", "/api/dm/views/", body)).id;
  }

  private tabs = (): Promise<readonly Tab[]> => this.fetch("GET", `/api/dm/views/?project=${this.project}`);

  private call<T>(method: string, path: string, body?: object, more?: Record<string, string>): Promise<T> {
    return this.fetch(method, `/labelscape/api/projects/${this.project}/${path}`, body, more);
  }

  private async fetch<T>(method: string, path: string, body?: object, more?: Record<string, string>): Promise<T> {
    const headers: Record<string, string> = { "X-CSRFToken": csrfToken(document.cookie), ...more };
    if (body) headers["Content-Type"] = "application/json";
    let answer: Response;
    try {
      const options: RequestInit = { method, headers, credentials: "same-origin" };
      if (body) options.body = JSON.stringify(body);
      answer = await fetch(`${this.base}${path}`, options);
    } catch {
      throw new Refused("Label Studio cannot be reached: check your network connection.", true);
    }
    const document_: unknown = await answer.json().catch(() => null);
    if (!answer.ok) throw refusalIn(answer.status, document_);
    return document_ as T;
  }
}

/** A key for one start; `crypto.randomUUID` is missing where the page is not served over HTTPS. */
export const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const csrfToken = (cookies: string): string => /(?:^|;\s*)csrftoken=([^;]+)/.exec(cookies)?.[1] ?? "";

function refusalOf(status: number): string {
  if (status === 401) return "You are no longer logged in to Label Studio: reload the page and log in.";
  if (status === 403 || status === 404) return "You no longer have access to this project, so nothing was done.";
  return `Label Studio answered with status ${status}.`;
}

function detailOf(answer: unknown): string | null {
  if (typeof answer !== "object" || answer === null || !("detail" in answer)) return null;
  return typeof answer.detail === "string" ? answer.detail : null;
}
