import { useId } from "react";

export interface DayCounts {
  date: string;
  answered: number;
  refused: number;
}

const kWidth = 720;
const kHeight = 200;
const kBottom = 26;
const kLeft = 44;

/** The smallest of 1, 2, 4, 6, 8, 10, 20 … that is not below `n`. */
export function niceTop(n: number): number {
  if (n <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((top) => top >= n) ?? n;
}

/** Every day of the last `days`, also those without a question. */
export function fillDays(counts: readonly DayCounts[], days: number, today: Date): DayCounts[] {
  const byDate = new Map(counts.map((day) => [day.date, day]));
  return Array.from({ length: days }, (_, i) => {
    const date = new Date(today.getTime() - (days - 1 - i) * 86_400_000).toISOString().slice(0, 10);
    return byDate.get(date) ?? { date, answered: 0, refused: 0 };
  });
}

/** Answered and refused questions per day, as stacked bars; the same as a table behind "Show as table". */
export function DayChart({ days }: { days: readonly DayCounts[] }) {
  const titleId = useId();
  const top = niceTop(Math.max(...days.map((day) => day.answered + day.refused), 1));
  const step = (kWidth - kLeft) / Math.max(1, days.length);
  const scale = (n: number) => (n / top) * (kHeight - kBottom - 8);
  const base = kHeight - kBottom;
  const every = Math.ceil(days.length / 5);
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${kWidth} ${kHeight}`} role="img" aria-labelledby={titleId}>
        <title id={titleId}>Questions per day, answered and refused. The table below has the numbers.</title>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line
              className="chart-grid"
              x1={kLeft}
              x2={kWidth}
              y1={base - scale(top * share)}
              y2={base - scale(top * share)}
            />
            {Number.isInteger(top * share) && (
              <text className="chart-text" x={kLeft - 6} y={base - scale(top * share) + 4} textAnchor="end">
                {top * share}
              </text>
            )}
          </g>
        ))}
        {days.map((day, i) => {
          const x = kLeft + i * step + step * 0.15;
          const width = Math.min(step * 0.7, 28);
          const answered = scale(day.answered);
          const refused = scale(day.refused);
          return (
            <g key={day.date}>
              <rect className="chart-answered" x={x} y={base - answered} width={width} height={answered} />
              <rect
                className="chart-refused"
                x={x}
                y={base - answered - refused}
                width={width}
                height={refused}
              />
              {i % every === 0 && (
                <text className="chart-text" x={x} y={kHeight - 5}>
                  {day.date.slice(5)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <figcaption className="chart-legend">
        <span>
          <i className="chart-key is-answered" /> answered
        </span>
        <span>
          <i className="chart-key is-refused" /> refused
        </span>
      </figcaption>
      <details>
        <summary>Show as table</summary>
        <table className="table">
          <caption className="visually-hidden">Questions per day</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col" className="number">
                Answered
              </th>
              <th scope="col" className="number">
                Refused
              </th>
            </tr>
          </thead>
          <tbody>
            {days
              .filter((day) => day.answered + day.refused > 0)
              .map((day) => (
                <tr key={day.date}>
                  <th scope="row">{day.date}</th>
                  <td className="number">{day.answered}</td>
                  <td className="number">{day.refused}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
