/** The FiftyOne App loads this: both panels register themselves. */
import "./explorer";
import "./metrics";
