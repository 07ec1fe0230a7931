/** Label Studio's project pages load this: it adds the panel and the dialogs, and never breaks the page. */
import * as React from "react";
import { createRoot } from "react-dom/client";
import { Api, patiently, type ActionInfo, type Description } from "./api";
import { placeOf, type DataManager, type HostAction } from "./host";
import { Panel, type Request } from "./Panel";
import style from "./style.css?inline";

const WAIT_MS = 250;
const DESCRIBE_PAUSES_MS = [1_000, 4_000, 15_000, 60_000];
const ROOT_ID = "labelscape-root";

/** An error in our panel takes away the panel and the dialogs, not the page. */
class Boundary extends React.Component<
  { readonly children: React.ReactNode; readonly onError: () => void },
  { readonly failed: boolean }
> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error("Labelscape: the panel was closed because of an error.", error);
    this.props.onError();
  }

  override render(): React.ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}

type Ask = (request: Request) => void;

function Everything(props: {
  readonly api: Api;
  readonly description: Description;
  readonly takeAsk: (ask: Ask) => void;
}): React.ReactElement {
  const [request, setRequest] = React.useState<Request | null>(null);
  React.useEffect(() => props.takeAsk(setRequest), []);
  return <Panel api={props.api} description={props.description} request={request} onRequest={setRequest} />;
}

/**
 * Show our dialogs instead of Label Studio's own for our actions; where its page differs, its own stay. Returns what
 * brings its own back.
 */
function replaceDialogs(manager: DataManager, actions: readonly ActionInfo[], ask: Ask): () => void {
  const [api, callbackOf] = [manager.api, manager.getAction?.bind(manager)];
  const list = api?.actions?.bind(api);
  if (!api || !list || !callbackOf) return () => undefined;
  const ours = new Map(actions.map((action) => [action.id, action]));
  const removed = new Map<HostAction, unknown>();
  let replaced = true;
  manager.getAction = (id) => {
    const action = replaced ? ours.get(id) : undefined;
    return action ? (selection) => ask({ action, selection }) : callbackOf(id);
  };
  // Without a dialog of its own, an entry of the menu goes straight to the callback above. Label Studio (1.23) seals
  // the methods of its API, so ours is an object before it.
  const listWithoutDialogs = async (...options: readonly unknown[]): Promise<unknown> => {
    const answer = await list(...options);
    removed.clear(); // the menu shows the newest list alone
    for (const entry of replaced && Array.isArray(answer) ? (answer as HostAction[]) : []) {
      if (!ours.has(entry.id)) continue;
      removed.set(entry, entry.dialog);
      delete entry.dialog;
    }
    return answer;
  };
  manager.api = Object.create(api, { actions: { value: listWithoutDialogs } }) as NonNullable<DataManager["api"]>;
  return () => {
    replaced = false;
    for (const [entry, dialog] of removed) entry.dialog = dialog;
  };
}

/** Adds the panel to the page; returns how it is asked for a dialog, and what takes it away again. */
function mount(
  api: Api,
  description: Description,
  onError: () => void,
): { readonly ask: Ask; readonly remove: () => void } {
  const host = document.createElement("div");
  host.id = ROOT_ID;
  document.body.append(host);
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style");
  sheet.textContent = style;
  const place = document.createElement("div");
  shadow.append(sheet, place);
  let ask: Ask = () => undefined;
  const root = createRoot(place);
  root.render(
    <Boundary onError={onError}>
      <Everything
        api={api}
        description={description}
        takeAsk={(given) => {
          ask = given;
        }}
      />
    </Boundary>,
  );
  const remove = (): void => {
    root.unmount(); // its timers and listeners, too
    host.remove();
  };
  return { ask: (request) => ask(request), remove };
}

let shown: { readonly manager: DataManager; readonly project: number } | null = null;
let leave: () => void = () => undefined;

/** Label Studio changes projects without loading the page: look whether there is one, and whether it is another. */
async function look(): Promise<void> {
  const place = placeOf(window.location.pathname);
  const manager = window.dataManager;
  if (!place || !manager || (shown?.manager === manager && shown.project === place.project)) return;
  const here = { manager, project: place.project };
  shown = here;
  leave();
  leave = () => undefined;
  const api = new Api(place.base, place.project);
  const description = await patiently(api.describe, DESCRIBE_PAUSES_MS);
  if (shown !== here) return; // another project was opened in the meantime
  for (const sentence of description.missing) console.warn(`Labelscape: ${sentence}`);
  let giveBack: () => void = () => undefined;
  let failed = false;
  const panel = mount(api, description, () => {
    failed = true;
    giveBack();
  });
  giveBack = replaceDialogs(manager, description.actions, panel.ask);
  if (failed) giveBack();
  leave = () => {
    giveBack();
    panel.remove();
  };
}

setInterval(() => {
  look().catch((error: unknown) => console.error("Labelscape: the panel could not be shown.", error));
}, WAIT_MS);
