/** Precision, recall, F1, AP and support of every class, sortable; the average stands on top. */
import * as React from "react";
import { useMetrics, useSession } from "./context";
import { sortedRows, type SortKey } from "./matrix";

const COLUMNS: readonly (readonly [SortKey, string, string])[] = [
  ["name", "Class", ""],
  ["precision", "P", "Precision: the share of predictions that are right"],
  ["recall", "R", "Recall: the share of labels that were found"],
  ["f1", "F1", "Harmonic mean of precision and recall"],
  ["average_precision", "AP", "Average precision at this IoU, over all confidences (COCO)"],
  ["support", "n", "Support: labels of the class"],
];

export function MetricsTable(): React.ReactElement | null {
  const session = useSession();
  const { report } = useMetrics();
  const [key, setKey] = React.useState<SortKey>("support");
  const [falling, setFalling] = React.useState(true);
  const rows = React.useMemo(() => (report ? sortedRows(report, key, falling) : []), [report, key, falling]);
  if (!report) return null;
  const sort = (next: SortKey): void => {
    setFalling(next === key ? !falling : next !== "name");
    setKey(next);
  };
  const { precision, recall, f1, map } = report.weighted;
  return (
    <div className="lm-table" tabIndex={0} aria-label="Metrics by class">
      <table>
        <thead>
          <tr>
            {COLUMNS.map(([name, title, hint]) => (
              <th key={name} aria-sort={key === name ? (falling ? "descending" : "ascending") : "none"}>
                <button type="button" title={hint} onClick={() => sort(name)}>
                  {title}
                  {key === name ? (falling ? " ↓" : " ↑") : ""}
                </button>
              </th>
            ))}
          </tr>
          <tr className="lm-average" title="Weighted by support; AP is the mean over classes">
            <td>all, weighted</td>
            {[precision, recall, f1, map].map((value, i) => (
              <td key={i}>{number(value)}</td>
            ))}
            <td>{report.labels.toLocaleString("en")}</td>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const name = report.classes[row] as string;
            return (
              <tr key={name}>
                <td title={`${name}: missed labels, and predictions without a label`}>
                  <button
                    type="button"
                    onClick={(event) => {
                      session.chooseCell([name, null], event.shiftKey);
                      session.chooseCell([null, name], true);
                    }}
                  >
                    {name}
                  </button>
                </td>
                {(["precision", "recall", "f1", "average_precision"] as const).map((measure) => (
                  <td key={measure}>{number(report.per_class[measure][row] ?? null)}</td>
                ))}
                <td>{(report.per_class.support[row] ?? 0).toLocaleString("en")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const number = (value: number | null): string => (value === null ? "–" : value.toFixed(2).replace(/^0/, ""));
