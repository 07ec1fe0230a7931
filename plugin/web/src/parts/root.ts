/** What a panel's root element needs: the theme's background, its width, and the keyboard focus. */
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

/**
 * How many pixels at the bottom of the panel lie below the window: the App (1.22) makes its panels slightly taller than
 * the room there is, and the last line would be cut.
 */
export function useOverhang(root: Root): number {
  const [pixels, setPixels] = React.useState(0);
  React.useLayoutEffect(() => {
    const element = root.current;
    if (!element) return;
    const measure = (): void => {
      const over = Math.ceil(element.getBoundingClientRect().bottom - window.innerHeight);
      setPixels(over > 0 && over <= FEW_PIXELS ? over : 0);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, [root]);
  return pixels;
}

/** If it is more than this, the panel has simply been scrolled. */
const FEW_PIXELS = 16;

/** When a control is removed or hidden, it loses focus and keys would go to the App: the panel then takes the focus. */
export function useFocusKeeper(root: Root): void {
  React.useEffect(() => {
    const element = root.current;
    if (!element) return;
    let inside: Element | null = null;
    const onFocus = (event: FocusEvent): void => {
      inside = event.target instanceof Element ? event.target : null;
    };
    const observer = new MutationObserver(() => {
      if (!inside || (inside.isConnected && !inside.closest("[hidden]"))) return;
      // A hidden element keeps the focus until the next frame is drawn.
      if (document.activeElement === document.body || document.activeElement === inside) {
        inside = null;
        element.focus({ preventScroll: true });
      }
    });
    element.addEventListener("focusin", onFocus);
    observer.observe(element, { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
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
