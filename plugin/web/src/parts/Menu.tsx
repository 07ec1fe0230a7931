/** A button that opens a menu of the App's own kind, in groups with headings. */
import * as React from "react";
import { MenuItem, MenuList, Popover } from "@mui/material";
import { Icon, type IconName } from "./icons";

export interface MenuEntry {
  readonly name: string;
  readonly run: () => void;
  readonly hotkey?: string;
  readonly disabled?: boolean;
  readonly danger?: boolean;
  /** A tick before the name: the entry is a switch, and this is whether it is on. */
  readonly on?: boolean;
}

export interface MenuGroup {
  readonly title: string;
  readonly entries: readonly MenuEntry[];
}

export function Menu(props: {
  readonly icon: IconName;
  readonly name: string;
  readonly groups: readonly MenuGroup[];
  readonly label?: string;
  readonly disabled?: boolean;
  /** What is shown below the entries and is not an entry itself. */
  readonly children?: React.ReactNode;
}): React.ReactElement {
  const button = React.useRef<HTMLButtonElement>(null);
  const [open, setOpen] = React.useState(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="ls-button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={props.label ?? props.name}
        title={props.label ?? props.name}
        disabled={props.disabled ?? false}
        onClick={() => setOpen(true)}
      >
        <Icon name={props.icon} />
        {props.name && <span className="ls-button-word">{props.name}</span>}
        <Icon name="down" />
      </button>
      <Popover
        open={open}
        anchorEl={button.current}
        anchorOrigin={BELOW}
        onClose={() => setOpen(false)}
        slotProps={{ paper: { className: "ls-popup" } }}
      >
        <MenuList autoFocusItem={open} aria-label={props.label ?? props.name}>
          {props.groups.flatMap((group) => [
            <Heading key={`${group.title} heading`} title={group.title} />,
            ...group.entries.map((entry) => (
              <MenuItem
                key={`${group.title} ${entry.name}`}
                dense
                disabled={entry.disabled ?? false}
                className={entry.danger ? "ls-menu-danger" : ""}
                {...(entry.on === undefined ? {} : { role: "menuitemcheckbox", "aria-checked": entry.on })}
                onClick={() => {
                  if (entry.on === undefined) setOpen(false);
                  entry.run();
                }}
              >
                {entry.on !== undefined && <span className="ls-menu-tick">{entry.on && <Icon name="check" />}</span>}
                <span className="ls-menu-name">{entry.name}</span>
                {entry.hotkey && <kbd className="ls-menu-key">{entry.hotkey}</kbd>}
              </MenuItem>
            )),
          ])}
        </MenuList>
        {props.children}
      </Popover>
    </>
  );
}

const BELOW = { vertical: "bottom", horizontal: "left" } as const;

const Heading = ({ title }: { readonly title: string }): React.ReactElement => (
  <li role="presentation" className="ls-menu-title">
    {title}
  </li>
);
/** The list of the App passes over it when it looks for an entry to focus. */
Heading.muiSkipListHighlight = true;
