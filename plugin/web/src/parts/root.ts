/** What a panel's outermost element needs: its background as the theme has it, its width, and the keyboard focus. */
import * as React from "react";

type Root = React.RefObject<HTMLElement>;

/** The color behind the panel, as the App's theme has it now. */
export function useGround(root: Root): string {
  const [ground, setGround] = React.useState("#1a1a1a");
  React.useEffect(() => {
    const read = (): void => {
      if (root.current) setGround(getComputedStyle(root.current).backgroundColor);
    };
    read();
    const observer = new MutationObserver(read);
    const attributeFilter = ["class", "style", "data-mui-color-scheme", "data-theme"];
    for (const element of [document.documentElement, document.body])
      observer.observe(element, { attributes: true, attributeFilter });
    return () => observer.disconnect();
  }, [root]);
  return ground;
}

/** The width of the panel in pixels; wide until it is known. */
export function useWidth(root: Root): number {
  const [width, setWidth] = React.useState(Infinity);
  React.useLayoutEffect(() => {
    const element = root.current;
    if (!element) return;
    if (element.clientWidth > 0) setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => element.clientWidth > 0 && setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [root]);
  return width;
}

/** A control that is removed takes the focus with it, and the keys would go to the App: then the panel takes it. */
export function useFocusKeeper(root: Root): void {
  React.useEffect(() => {
    const element = root.current;
    if (!element) return;
    let inside: Element | null = null;
    const onFocus = (event: FocusEvent): void => {
      inside = event.target instanceof Element ? event.target : null;
    };
    const observer = new MutationObserver(() => {
      if (inside && !inside.isConnected && document.activeElement === document.body) {
        inside = null;
        element.focus({ preventScroll: true });
      }
    });
    element.addEventListener("focusin", onFocus);
    observer.observe(element, { childList: true, subtree: true });
    return () => {
      element.removeEventListener("focusin", onFocus);
      observer.disconnect();
    };
  }, [root]);
}

/** Keeps the App (1.22) from taking Enter and Space away from a button that has the focus. */
export function keepPresses(event: React.KeyboardEvent): void {
  const onControl = (event.target as HTMLElement).closest("button, a, select, summary, [role=combobox]") !== null;
  if (onControl && (event.key === "Enter" || event.key === " ")) event.stopPropagation();
}
