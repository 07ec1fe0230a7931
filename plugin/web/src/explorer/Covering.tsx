/** A column of bars over the map or a list. It reports how much it covers, so that what opens beside it ends there. */
import * as React from "react";

/** The custom property of the style sheet that carries the height in pixels. */
type Edge = "--ls-above" | "--ls-below";

export function Covering(props: {
  readonly edge: Edge;
  readonly className: string;
  readonly children: React.ReactNode;
}): React.ReactElement {
  const box = React.useRef<HTMLDivElement>(null);
  const { edge } = props;
  React.useLayoutEffect(() => {
    const element = box.current;
    const whole = element?.closest<HTMLElement>(".ls-main");
    if (!element || !whole) return;
    const tell = (): void => whole.style.setProperty(edge, `${element.offsetHeight}px`);
    const observer = new ResizeObserver(tell);
    observer.observe(element);
    tell();
    return () => {
      observer.disconnect();
      whole.style.removeProperty(edge);
    };
  }, [edge]);
  return (
    <div ref={box} className={props.className}>
      {props.children}
    </div>
  );
}
