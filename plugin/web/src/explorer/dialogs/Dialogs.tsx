/** The dialog that is open over the panel, if any. */
import * as React from "react";
import { Dialog } from "../../parts/parts";
import { useExplorer, useUi } from "../context";
import { FunctionForm } from "../functions/FunctionForm";
import { GenerateForm } from "./GenerateForm";
import { Help } from "./Help";
import { LabelPicker } from "./LabelPicker";
import { MapForm } from "./MapForm";
import { ClearExplorer, ClearLabels, DiscardQuestion } from "./questions";
import { Review } from "./Review";
import { RunsList } from "./RunsList";
import { DuplicatesForm, NewFieldForm, SegmentForm } from "./smallForms";

export function Dialogs(): React.ReactElement | null {
  const dialog = useUi((ui) => ui.dialog);
  const explorer = useExplorer();
  const close = (): void => explorer.labeling.closeDialog();
  switch (dialog) {
    case "none":
      return null;
    case "label":
      return <LabelPicker onClose={close} />;
    case "field":
      return <NewFieldForm onClose={close} />;
    case "map":
      return (
        <Dialog title="New map" onClose={close}>
          <MapForm />
        </Dialog>
      );
    case "embeddings":
      return (
        <Dialog title="Generate explorer" onClose={close}>
          <GenerateForm />
        </Dialog>
      );
    case "runs":
      return <RunsList onClose={close} />;
    case "review":
      return <Review onClose={close} />;
    case "help":
      return <Help onClose={close} />;
    case "segment":
      return <SegmentForm onClose={close} />;
    case "duplicates":
      return <DuplicatesForm onClose={close} />;
    case "function":
      return <FunctionForm onClose={close} />;
    case "discard":
      return <DiscardQuestion onClose={close} />;
    case "clear labels":
      return <ClearLabels onClose={close} />;
    case "clear explorer":
      return <ClearExplorer onClose={close} />;
  }
}
