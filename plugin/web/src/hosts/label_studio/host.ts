/** What we use of Label Studio's page (1.23): each part may be missing in another version, so each is optional. */

/** What the Data Manager passes to an action: the ticked tasks and the filter of the open tab. */
export interface Selection {
  readonly selectedItems?: {
    readonly all?: boolean;
    readonly included?: readonly number[];
    readonly excluded?: readonly number[];
  };
  readonly filters?: unknown;
  readonly ordering?: unknown;
}

export interface HostAction {
  readonly id: string;
  dialog?: unknown;
}

export type ActionCallback = (selection: Selection) => unknown;

interface View {
  readonly id?: number | string;
  reload?: () => Promise<unknown>;
  readonly selected?: { readonly snapshot?: Selection["selectedItems"] };
  readonly conjunction?: string;
  readonly serializedFilters?: readonly unknown[];
}

export interface DataManager {
  getAction?: (id: string) => ActionCallback | undefined;
  api?: { readonly actions?: (...options: readonly unknown[]) => Promise<unknown> };
  on?: (event: string, callback: (...values: unknown[]) => void) => void;
  readonly store?: {
    readonly currentView?: View | null;
    fetchProject?: (options?: object) => Promise<unknown>;
    setTask?: (options: { taskID: number; annotationID?: number }) => Promise<unknown>;
    readonly mode?: string;
  };
}

interface ResultItem {
  readonly from_name?: string;
  readonly value?: { readonly choices?: readonly (string | readonly string[])[] };
}

export interface Editor {
  readonly task?: { readonly id?: number | string } | null;
  readonly annotationStore?: {
    readonly selected?: { serializeAnnotation?: () => readonly ResultItem[] } | null;
  };
}

declare global {
  interface Window {
    dataManager?: DataManager;
    Htx?: Editor | null;
  }
}

/** The project's number and the path that all of Label Studio is below ("" or such as "/labelstudio"). */
export function placeOf(path: string): { readonly base: string; readonly project: number } | null {
  const match = /^(.*)\/projects\/(\d+)\/data/.exec(path);
  return match ? { base: match[1] as string, project: Number(match[2]) } : null;
}

/** The task that is open for labeling, null in the list of tasks. */
export function openTask(search: string): number | null {
  const given = new URLSearchParams(search).get("task");
  const number = given === null ? Number(window.Htx?.task?.id ?? Number.NaN) : Number(given);
  return Number.isInteger(number) && number > 0 && document.querySelector(".lsf-editor, [class*=lsf-main]") !== null
    ? number
    : null;
}

/** The label chosen with a control in an annotation that may not be submitted yet; null if none is. */
export function chosenLabel(editor: Editor | null | undefined, control: string): string | null {
  const items = editor?.annotationStore?.selected?.serializeAnnotation?.() ?? [];
  for (const item of items) {
    const choice = item.from_name === control ? item.value?.choices?.[0] : undefined;
    if (typeof choice === "string") return choice;
    if (Array.isArray(choice)) return choice.length > 0 ? String(choice[choice.length - 1]) : null;
  }
  return null;
}

/** The address of a task's image in this page: only of the web or of this Label Studio, never a script. */
export function imageAddress(media: string, base: string): string | null {
  if (/^https?:\/\//i.test(media)) return media;
  return media.startsWith("/") && !media.startsWith("//") ? `${base}${media}` : null;
}
