/** Opens a dialog over the panel. */
import type { Explorer } from "../explorer";
import type { Dialog } from "../state";

export const openDialog = (explorer: Explorer, dialog: Dialog, dims?: 2 | 3): void =>
  explorer.store.dispatch(dims ? { type: "dialog", dialog, dims } : { type: "dialog", dialog });
