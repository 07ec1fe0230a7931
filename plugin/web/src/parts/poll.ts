/** Work that is repeated while the page is visible. */
import * as React from "react";

/** Runs `work` periodically while the page is visible, and when it comes back to the front. */
export function usePoll(work: () => void, milliseconds: number): void {
  const latest = React.useRef(work);
  latest.current = work;
  React.useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === "visible") latest.current();
    };
    const timer = window.setInterval(look, milliseconds);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [milliseconds]);
}
