/** “Why?”: a button that opens, in place, how a result came about. */
import * as React from "react";
import { Button } from "./parts";

export function Why(props: {
  readonly text: string;
  /** Whoever holds a message back from leaving while it is read wants to know. */
  readonly onToggle?: (open: boolean) => void;
}): React.ReactElement {
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  const toggle = (): void => {
    setOpen(!open);
    props.onToggle?.(!open);
  };
  return (
    <>
      <Button expanded={open} controls={id} onClick={toggle}>
        Why?
      </Button>
      <span id={id} className="ls-why ls-quiet" hidden={!open}>
        {props.text}
      </span>
    </>
  );
}
