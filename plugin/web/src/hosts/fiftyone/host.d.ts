/** The parts of the FiftyOne App's own modules used here (1.22). The App publishes no types; these are ours. */
declare module "@fiftyone/plugins" {
  export enum PluginComponentType {
    Component = 3,
  }
  export function registerComponent(registration: {
    name: string;
    label: string;
    component: unknown;
    type: PluginComponentType;
    activator: () => boolean;
  }): void;
}

declare module "@fiftyone/operators" {
  /** What the App hands to the callback of an operator: the method's answer, or why there is none. */
  export interface OperatorAnswer {
    readonly result?: unknown;
    readonly error?: unknown;
    readonly errorMessage?: unknown;
  }
  export function usePanelEvent(): (
    panelId: string,
    event: {
      operator: string;
      params: object;
      /** Returning false keeps the App from showing the error itself. */
      callback: (answer: OperatorAnswer | undefined) => boolean;
    },
  ) => void;
}

declare module "@fiftyone/spaces" {
  export function usePanelId(): string;
}

declare module "@fiftyone/state" {
  export const colorScheme: unique symbol;
  export const extendedSelectionOverrideStage: unique symbol;
  export const selectedSamples: unique symbol;
  export const view: unique symbol;
  export const viewName: unique symbol;
  export const filters: unique symbol;
  export function getSampleSrc(path: string): string;
}

declare module "recoil" {
  export function useRecoilValue(state: symbol): unknown;
  export function useSetRecoilState(state: symbol): (value: unknown) => void;
}
