/** The contract between the panel's Python code and its front end: state, binary columns, methods.
 *
 * Rules that hold for every message
 * - A sample (or patch) is named by its row on the loaded map: `0 … n-1`, the order of the map's columns.
 *   Every message with rows in it carries `map` and `map_version`; Python refuses rows of another version.
 * - Anything with n entries is sent as a column file, never in a message. A changed column gets a new `version`.
 * - A method answers with a `Reply`: on success its own fields, and `state` where the panel state changed;
 *   on failure `{error}`, one sentence for the user: what is wrong, with the value, and what to do.
 * - Method URIs arrive in `props.schema.view.<method>`, one key for each key of `Methods`.
 */
export * from "./contract/columns";
export * from "./contract/messages";
export * from "./contract/methods";
export * from "./contract/state";
