/** Decisions on their way to Python: one call at a time, in order, each kept until it is acknowledged. */
import type { Decision } from "../contract";

/** The most decisions in one call. */
const AT_ONCE = 100;
/** Pauses before a failed call is retried. */
const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 30_000] as const;

/** A decision that Python could not apply, and why. */
export interface Failed {
  readonly id: string;
  readonly reason: string;
}

export interface DecisionCalls {
  /** Applies decisions in order; rejects if the server cannot be reached. */
  send(dataset: string, decisions: readonly Decision[]): Promise<readonly Failed[]>;
  onFailed(failed: readonly Failed[]): void;
  /** This many decisions are kept and will be resent; reported once until a call succeeds. */
  onUnreachable(waiting: number, error: unknown): void;
  /** An action that had to follow decisions that could not be sent was not done. */
  onDropped(): void;
  /** This many decisions left from before a reload were applied. */
  onCaughtUp(count: number): void;
}

/** A decision, or an action that must come after the earlier decisions and before the later ones. */
type Entry = { readonly decision: Decision } | { readonly act: () => Promise<unknown>; readonly drop: () => void };

export class DecisionQueue {
  #entries: Entry[] = [];
  #dataset: string | null = null;
  /** Decisions that may have reached Python: only a later action can undo these. */
  readonly #attempted = new Set<string>();
  /** Decisions that were left from before a reload. */
  readonly #left = new Set<string>();
  #running = false;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #count = 0;

  constructor(
    private readonly calls: DecisionCalls,
    private readonly storage: Storage | null,
  ) {}

  /** Continues with a dataset: its remaining decisions are sent; those of another dataset are kept for its return. */
  open(dataset: string): void {
    if (dataset === this.#dataset) return;
    this.#forgetWaiting();
    this.#dataset = dataset;
    for (const decision of readKept(this.storage, dataset)) {
      this.#entries.push({ decision });
      this.#attempted.add(decision.id);
      this.#left.add(decision.id);
    }
    void this.#run();
  }

  /** Sends a decision, now or in the next call; returns its name. */
  add(what: Omit<Decision, "id">): string {
    const decision = { ...what, id: this.#newId() };
    if (this.#dataset !== null) keep(this.storage, this.#dataset, decision);
    this.#entries.push({ decision });
    void this.#run();
    return decision.id;
  }

  /** Withdraws a decision that no call has sent yet; false if one has. */
  takeBack(id: string): boolean {
    const at = this.#entries.findIndex((entry) => "decision" in entry && entry.decision.id === id);
    if (at < 0 || this.#attempted.has(id)) return false;
    this.#entries.splice(at, 1);
    this.#forget(this.#dataset, [id]);
    return true;
  }

  /** Does something after the decisions made so far and before later ones; null if they cannot be sent. */
  inOrder<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.#entries.length === 0 && !this.#running) {
      // There is nothing to wait for, but whatever follows must wait for it.
      this.#running = true;
      return work().finally(() => {
        this.#running = false;
        void this.#run();
      });
    }
    return new Promise((resolve, reject) => {
      const act = (): Promise<unknown> => work().then(resolve, reject);
      this.#entries.push({ act, drop: () => resolve(null) });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    clearTimeout(this.#retry);
    this.#running = true;
    // Decisions made in quick succession are sent together.
    await Promise.resolve();
    for (let first = this.#entries[0]; first; first = this.#entries[0]) {
      if ("act" in first) {
        this.#entries.shift();
        await first.act();
      } else if (!(await this.#sendFirst())) break;
    }
    this.#running = false;
  }

  /** One call with the decisions before the next action; false if it failed. */
  async #sendFirst(): Promise<boolean> {
    const dataset = this.#dataset as string;
    this.#dropWhatAnotherTabHasSettled(dataset);
    const batch: Decision[] = [];
    for (const entry of this.#entries) {
      if (!("decision" in entry) || batch.length === AT_ONCE) break;
      batch.push(entry.decision);
    }
    if (batch.length === 0) return true;
    const ids = batch.map(({ id }) => id);
    ids.forEach((id) => this.#attempted.add(id));
    try {
      const failed = await this.calls.send(dataset, batch);
      this.#acknowledge(dataset, ids, failed);
      return true;
    } catch (error) {
      if (dataset === this.#dataset) this.#tryAgainLater(error);
      return dataset !== this.#dataset;
    }
  }

  #acknowledge(dataset: string, ids: readonly string[], failed: readonly Failed[]): void {
    const done = new Set(ids);
    this.#entries = this.#entries.filter((entry) => !("decision" in entry) || !done.has(entry.decision.id));
    this.#forget(dataset, ids);
    this.#failures = 0;
    const caughtUp = ids.filter((id) => this.#left.delete(id)).length - failed.length;
    if (failed.length > 0) this.calls.onFailed(failed);
    if (caughtUp > 0 && this.#left.size === 0) this.calls.onCaughtUp(caughtUp);
  }

  #tryAgainLater(error: unknown): void {
    const waiting = this.#entries.filter((entry) => "decision" in entry);
    if (this.#failures === 0) this.calls.onUnreachable(waiting.length, error);
    // An action like “Save” must not happen when nobody expects it any longer.
    if (this.#dropActs()) this.calls.onDropped();
    this.#entries = waiting;
    const pause = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    this.#retry = setTimeout(() => void this.#run(), pause);
  }

  /** What was left may belong to another tab, which may have applied or withdrawn it in the meantime. */
  #dropWhatAnotherTabHasSettled(dataset: string): void {
    const isGone = (id: string): boolean => this.#left.has(id) && this.storage?.getItem(keyOf(dataset, id)) === null;
    this.#entries = this.#entries.filter((entry) => !("decision" in entry) || !isGone(entry.decision.id));
  }

  /** Tells those waiting for an action that it was not done; false if there was none. */
  #dropActs(): boolean {
    const acts = this.#entries.flatMap((entry) => ("drop" in entry ? [entry] : []));
    acts.forEach(({ drop }) => drop());
    return acts.length > 0;
  }

  #forgetWaiting(): void {
    this.#dropActs();
    this.#entries = [];
    this.#left.clear();
    this.#failures = 0;
    clearTimeout(this.#retry);
  }

  #forget(dataset: string | null, ids: readonly string[]): void {
    for (const id of ids) {
      this.#attempted.delete(id);
      if (dataset !== null) this.storage?.removeItem(keyOf(dataset, id));
    }
  }

  /** Names sort in the order in which they were given. */
  #newId(): string {
    const time = Date.now().toString(36).padStart(9, "0");
    const number = (this.#count++).toString(36).padStart(6, "0");
    const chance = crypto.getRandomValues(new Uint32Array(3));
    return `${time}-${number}-${chance.join("-")}`;
  }
}

const PREFIX = "labelscape:decision:";
const keyOf = (dataset: string, id: string): string => `${PREFIX}${encodeURIComponent(dataset)}:${id}`;

/** Each under its own key, so that two tabs never overwrite each other's decisions. */
function keep(storage: Storage | null, dataset: string, decision: Decision): void {
  try {
    storage?.setItem(keyOf(dataset, decision.id), JSON.stringify(decision));
  } catch {
    // If storage is full, the decision is not kept, but it is sent anyway.
  }
}

function readKept(storage: Storage | null, dataset: string): Decision[] {
  const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
  return keys
    .filter((key) => key.startsWith(keyOf(dataset, "")))
    .sort()
    .map((key) => read(storage?.getItem(key) ?? null))
    .filter((decision) => decision !== null);
}

function read(kept: string | null): Decision | null {
  try {
    return kept === null ? null : (JSON.parse(kept) as Decision);
  } catch {
    return null; // damaged: there is nothing to send
  }
}

/** The browser's own storage; null if it is disabled. */
export function browserStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
