/** “Why?”: a button that opens, in place, how a result came about. */
import * as React from "react";
import { Button } from "./parts";

export function Why({ text }: { readonly text: string }): React.ReactElement {
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  return (
    <>
      <Button expanded={open} controls={id} onClick={() => setOpen(!open)}>
        Why?
      </Button>
      <span id={id} className="ls-why ls-quiet" hidden={!open}>
        {text}
      </span>
    </>
  );
}
