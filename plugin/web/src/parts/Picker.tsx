/** A choice among several, with the App's own select: its name above, what is chosen below. */
import * as React from "react";
import { ListItemText, MenuItem, Select } from "@mui/material";

export interface PickerOption {
  readonly value: string;
  readonly name: string;
  /** A second line in the list. */
  readonly note?: string;
}

export function Picker(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly PickerOption[];
  readonly onChange: (value: string) => void;
  readonly disabled?: boolean;
  /** What is shown above the value instead of the label. */
  readonly caption?: string;
  /** What is shown instead of the option's name. */
  readonly shown?: string;
  readonly wide?: boolean;
}): React.ReactElement {
  const chosen = props.options.find((option) => option.value === props.value);
  const shown = props.shown ?? chosen?.name ?? props.value;
  return (
    <Select
      className={`ls-picker${props.wide ? " ls-picker-wide" : ""}`}
      variant="standard"
      disableUnderline
      displayEmpty
      value={props.value}
      disabled={props.disabled ?? false}
      onChange={(event) => props.onChange(String(event.target.value))}
      renderValue={() => (
        <>
          <span className="ls-picker-label">{props.caption ?? props.label}</span>
          <span className="ls-picker-value">{shown}</span>
        </>
      )}
      SelectDisplayProps={{ "aria-label": props.label, title: `${props.label}: ${shown}` }}
      MenuProps={MENU}
    >
      {props.options.map((option) => (
        <MenuItem key={option.value} value={option.value} dense>
          <ListItemText primary={option.name} secondary={option.note} />
        </MenuItem>
      ))}
    </Select>
  );
}

const MENU = { slotProps: { paper: { className: "ls-popup", style: { maxHeight: 420, maxWidth: 420 } } } } as const;
