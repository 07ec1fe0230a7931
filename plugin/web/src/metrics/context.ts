/** The session for the components below, and the state they follow. */
import * as React from "react";
import type { MetricsSession, MetricsState } from "./session";

export const SessionContext = React.createContext<MetricsSession | null>(null);

export function useSession(): MetricsSession {
  const session = React.useContext(SessionContext);
  if (!session) throw new Error("A component of the metrics is used outside of it.");
  return session;
}

export function useMetrics(): MetricsState {
  const session = useSession();
  return React.useSyncExternalStore(session.subscribe, session.get);
}
