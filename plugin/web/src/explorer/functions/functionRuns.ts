/** What can be done with functions; the long ones are jobs. */
import type { Ask } from "../contract";
import { rowsMarked } from "../review/review";
import { mapRef, type Session } from "../session";

type Start = <M extends "create_function" | "run_functions" | "edit_function" | "duplicate_function">(
  method: M,
  ask: Ask<M>,
) => Promise<void>;

export class FunctionRuns {
  constructor(
    private readonly session: Session,
    private readonly start: Start,
  ) {}

  async create(name: string, threshold: number): Promise<void> {
    const { review, map } = this.session.ui;
    const marks =
      review?.kind === "search" && map
        ? { ...mapRef(map), liked: rowsMarked(review, "accepted"), disliked: rowsMarked(review, "rejected") }
        : {};
    this.session.store.dispatch({ type: "dialog", dialog: "none" });
    this.session.store.dispatch({ type: "tab", tab: "functions" });
    await this.start("create_function", { name, threshold, ...marks });
  }

  async run(): Promise<void> {
    await this.start("run_functions", {});
  }

  async edit(slug: string, threshold: number, note: string): Promise<void> {
    await this.start("edit_function", { slug, threshold, note });
  }

  /** The App's form, with the samples around the threshold. */
  async openForm(slug: string): Promise<void> {
    await this.session.ask("Opening the form", "open_function_form", { slug });
  }

  async rename(slug: string, name: string): Promise<void> {
    this.#say(await this.session.ask("Renaming", "rename_function", { slug, name }));
  }

  async duplicate(slug: string, name: string): Promise<void> {
    await this.start("duplicate_function", { slug, name });
  }

  async delete(slug: string): Promise<void> {
    this.#say(await this.session.ask("Deleting", "delete_function", { slug }));
  }

  async restore(key: string): Promise<void> {
    this.#say(await this.session.ask("Restoring", "restore_function", { key }));
  }

  #say(answer: { readonly done: string } | null): void {
    if (answer) this.session.note("success", answer.done);
  }
}
