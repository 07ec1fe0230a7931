/** How often the rule of a segment was applied: a small table, and plots over time. */
import * as React from "react";
import { Button } from "../parts/parts";
import { useSession } from "./context";
import type { MemberIds, Remake, RuleRun } from "./contract";
import { placesOf } from "./runPlaces";

const WIDTH = 150;
const HEIGHT = 54;
const share = (value: number): string => value.toFixed(3);
const when = (run: RuleRun): string => run.at.slice(0, 16).replace("T", " ");

/** All runs, newest last. */
export function RuleRuns({ runs }: { readonly runs: readonly RuleRun[] }): React.ReactElement {
  return (
    <div className="lm-runs">
      <table>
        <thead>
          <tr>
            <th>When (UTC)</th>
            <th>Predictions</th>
            <th className="lm-number">Members</th>
            <th className="lm-number">Precision</th>
            <th className="lm-number">Recall</th>
            <th className="lm-number">F1</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.at + run.field}>
              <td>{when(run)}</td>
              <td>{run.field}</td>
              <td className="lm-number">{run.members.toLocaleString("en")}</td>
              <td className="lm-number">{share(run.precision)}</td>
              <td className="lm-number">{share(run.recall)}</td>
              <td className="lm-number">{share(run.f1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {runs.length > 1 && (
        <div className="lm-plots">
          <Course title="Members" runs={runs} value={(run) => run.members} inWords={(n) => n.toLocaleString("en")} />
          <Course title="F1" runs={runs} value={(run) => run.f1} inWords={share} />
        </div>
      )}
    </div>
  );
}

/** Which members no longer match and which are new since the segment was made, above all runs. */
export function Compared({ remake }: { readonly remake: Remake }): React.ReactElement {
  return (
    <>
      <ul className="lm-compared">
        <li>{remake.stayed.toLocaleString("en")} stayed</li>
        <Differing
          count={remake.gone}
          ids={remake.gone_ids}
          words="no longer match"
          what="the members that no longer match"
        />
        <Differing count={remake.new} ids={remake.new_ids} words="new" what="the new members" />
        {remake.lost > 0 && <li>{remake.lost.toLocaleString("en")} no longer in the dataset</li>}
      </ul>
      <RuleRuns runs={remake.runs} />
    </>
  );
}

function Differing(props: {
  readonly count: number;
  readonly ids: MemberIds;
  readonly words: string;
  /** Whom the button shows. */
  readonly what: string;
}): React.ReactElement {
  const session = useSession();
  return (
    <li>
      {props.count.toLocaleString("en")} {props.words}
      {props.count > 0 && (
        <Button label={`Show ${props.what}`} onClick={() => void session.showMembers(props.ids, props.count)}>
          Show
        </Button>
      )}
    </li>
  );
}

function Course(props: {
  readonly title: string;
  readonly runs: readonly RuleRun[];
  readonly value: (run: RuleRun) => number;
  readonly inWords: (value: number) => string;
}): React.ReactElement {
  const { runs, value, inWords } = props;
  const places = placesOf(runs, value, WIDTH, HEIGHT);
  const told = runs.map((run) => `${when(run)}: ${inWords(value(run))}`).join(", ");
  return (
    <figure>
      <figcaption>
        {props.title}: {inWords(value(runs[0] as RuleRun))} to {inWords(value(runs[runs.length - 1] as RuleRun))}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${props.title} over time: ${told}`}>
        <polyline points={places.map(([x, y]) => `${x},${y}`).join(" ")} />
        {places.map(([x, y], i) => (
          <circle key={i} cx={x} cy={y} r={3}>
            <title>{`${when(runs[i] as RuleRun)}: ${inWords(value(runs[i] as RuleRun))}`}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}
