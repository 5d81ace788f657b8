import { useState } from "react";
import { api, type Kb, type Price, type Stats, type UsageReport } from "../../api";
import {
  Button,
  Empty,
  ErrorNote,
  formatCost,
  formatCount,
  formatMs,
  formatPercent,
  formatWhen,
  IconButton,
  Link,
  Loading,
  showToast,
  useResource,
} from "../../ui";
import { entryPath } from "../entries";
import { DayChart, fillDays } from "./DayChart";
import "./insights.css";

const periods = [7, 30, 90];

export function InsightsView({ kb }: { kb: Kb }) {
  const [days, setDays] = useState(30);
  const stats = useResource(`${kb.name} ${days}`, (signal) => api.getStats(kb.name, days, signal), {
    keep: true,
  });
  const usage = useResource(`usage ${days}`, (signal) => api.getUsage(days, signal), { keep: true });
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Insights</h1>
          <p>How {kb.title || kb.name} is used, and what it costs.</p>
        </div>
        <select
          className="select insights-period"
          aria-label="Period"
          value={days}
          onChange={(event) => setDays(Number(event.target.value))}
        >
          {periods.map((n) => (
            <option key={n} value={n}>
              Last {n} days
            </option>
          ))}
        </select>
      </header>
      {stats.error !== null && <ErrorNote error={stats.error} onRetry={stats.reload} />}
      {stats.value === null && stats.error === null && <Loading label="Loading the figures" />}
      {stats.value && <StatsCards stats={stats.value} days={days} kb={kb.name} />}
      <section className="card insights-card">
        <h2 id="usage-title">Calls and cost, all knowledge bases</h2>
        {usage.error !== null && <ErrorNote error={usage.error} onRetry={usage.reload} />}
        {usage.value === null && usage.error === null && <Loading label="Loading usage" />}
        {usage.value && <UsageTable usage={usage.value} />}
      </section>
      <Prices />
    </div>
  );
}

function StatsCards({ stats, days, kb }: { stats: Stats; days: number; kb: string }) {
  const share = stats.n_questions > 0 ? formatPercent(stats.n_answered / stats.n_questions) : "–";
  const tiles: [string, string][] = [
    ["Questions", formatCount(stats.n_questions)],
    ["Answered", share],
    ["Refused", formatCount(stats.n_refused)],
    ["Rated good", formatCount(stats.n_up)],
    ["Rated bad", formatCount(stats.n_down)],
  ];
  return (
    <>
      <dl className="tiles">
        {tiles.map(([label, value]) => (
          <div key={label} className="tile">
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <section className="card insights-card">
        <h2>Questions per day</h2>
        {stats.n_questions === 0 ? (
          <p className="soft">Nobody has asked anything in this time.</p>
        ) : (
          <DayChart days={fillDays(stats.per_day, days, new Date())} />
        )}
      </section>
      <EntryUsage entries={stats.entries} kb={kb} />
    </>
  );
}

type EntryRow = Stats["entries"][number];
type Column = "question" | "n_uses" | "n_up" | "n_down" | "last_used";

const columns: { name: Column; label: string; isNumber: boolean }[] = [
  { name: "question", label: "Entry", isNumber: false },
  { name: "n_uses", label: "Used", isNumber: true },
  { name: "n_up", label: "Good", isNumber: true },
  { name: "n_down", label: "Bad", isNumber: true },
  { name: "last_used", label: "Last used", isNumber: true },
];

function compareBy(column: Column, a: EntryRow, b: EntryRow): number {
  const x = a[column] ?? "";
  const y = b[column] ?? "";
  return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
}

const kRows = 25;

function EntryUsage({ entries, kb }: { entries: readonly EntryRow[]; kb: string }) {
  const [sort, setSort] = useState<{ by: Column; isDown: boolean }>({ by: "n_uses", isDown: true });
  const [onlyUnused, setOnlyUnused] = useState(false);
  const [nShown, setShown] = useState(kRows);
  const nUnused = entries.filter((entry) => entry.n_uses === 0).length;
  const rows = entries
    .filter((entry) => !onlyUnused || entry.n_uses === 0)
    .toSorted((a, b) => compareBy(sort.by, a, b) * (sort.isDown ? -1 : 1));
  return (
    <section className="card insights-card">
      <div className="page-head">
        <h2 id="entries-title">Entries</h2>
        {nUnused > 0 && (
          <label className="check">
            <input type="checkbox" checked={onlyUnused} onChange={() => setOnlyUnused(!onlyUnused)} />
            <span>Only the {formatCount(nUnused)} unused</span>
          </label>
        )}
      </div>
      {entries.length === 0 ? (
        <Empty icon="book" title="No entries yet" />
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-labelledby="entries-title">
          <table className="table">
            <thead>
              <tr>
                {columns.map(({ name, label, isNumber }) => {
                  const isSorted = sort.by === name;
                  return (
                    <th
                      key={name}
                      scope="col"
                      className={isNumber ? "number" : undefined}
                      aria-sort={isSorted ? (sort.isDown ? "descending" : "ascending") : undefined}
                    >
                      <button
                        type="button"
                        className="sort-button"
                        onClick={() => setSort({ by: name, isDown: isSorted ? !sort.isDown : isNumber })}
                      >
                        {label}
                        {isSorted && (sort.isDown ? " ↓" : " ↑")}
                      </button>
                    </th>
                  );
                })}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, nShown).map((entry) => (
                <tr key={entry.id} className={entry.n_uses === 0 ? "is-unused" : undefined}>
                  <td className="insights-question">
                    <Link href={entryPath(kb, entry.id)}>{entry.question}</Link>
                  </td>
                  <td className="number">{entry.n_uses === 0 ? "unused" : formatCount(entry.n_uses)}</td>
                  <td className="number">{entry.n_up || "–"}</td>
                  <td className="number">{entry.n_down || "–"}</td>
                  <td className="number">{entry.last_used === null ? "–" : formatWhen(entry.last_used)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > nShown && (
        <div>
          <Button look="quiet" onClick={() => setShown(nShown + 100)}>
            Show more ({formatCount(nShown)} of {formatCount(rows.length)})
          </Button>
        </div>
      )}
    </section>
  );
}

function UsageTable({ usage }: { usage: UsageReport }) {
  if (usage.days.length === 0) return <p className="soft">No model was called in this time.</p>;
  const { totals } = usage;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-labelledby="usage-title">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Model</th>
            <th scope="col" className="number">
              Calls
            </th>
            <th scope="col" className="number">
              Tokens in
            </th>
            <th scope="col" className="number">
              cached
            </th>
            <th scope="col" className="number">
              Tokens out
            </th>
            <th scope="col" className="number">
              Answer
            </th>
            <th scope="col" className="number">
              First token
            </th>
            <th scope="col" className="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {usage.days.map((day) => (
            <tr key={`${day.date} ${day.provider} ${day.model}`}>
              <td>{day.date}</td>
              <td>{day.model}</td>
              <td className="number">{formatCount(day.n_calls)}</td>
              <td className="number">{formatCount(day.input_tokens)}</td>
              <td className="number">{formatCount(day.cached_tokens)}</td>
              <td className="number">{formatCount(day.output_tokens)}</td>
              <td className="number">{day.mean_latency_ms === null ? "–" : formatMs(day.mean_latency_ms)}</td>
              <td className="number">
                {day.mean_first_token_ms === null ? "–" : formatMs(day.mean_first_token_ms)}
              </td>
              <td className="number">{day.cost_usd === null ? "–" : formatCost(day.cost_usd)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>
              Total
            </th>
            <td className="number">{formatCount(totals.n_calls)}</td>
            <td className="number">{formatCount(totals.input_tokens)}</td>
            <td />
            <td className="number">{formatCount(totals.output_tokens)}</td>
            <td />
            <td />
            <td className="number">{totals.cost_usd === null ? "–" : formatCost(totals.cost_usd)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

type PriceColumn = "input_per_mtok" | "cached_per_mtok" | "output_per_mtok";
type PriceRow = { id: number; model: string } & Record<PriceColumn, string>;
const priceColumns: { name: PriceColumn; label: string }[] = [
  { name: "input_per_mtok", label: "Input" },
  { name: "cached_per_mtok", label: "Cached input" },
  { name: "output_per_mtok", label: "Output" },
];

const rowOf = (price: Price, id: number): PriceRow => ({
  id,
  model: price.model,
  input_per_mtok: String(price.input_per_mtok),
  cached_per_mtok: String(price.cached_per_mtok),
  output_per_mtok: String(price.output_per_mtok),
});

/** What a row says, or null when it is no price. */
export function priceOf(row: PriceRow): Price | null {
  const values = priceColumns.map(({ name }) => Number(row[name].trim().replace(",", ".")));
  const [input = NaN, cached = NaN, output = NaN] = values;
  if (row.model.trim() === "" || ![input, cached, output].every((n) => Number.isFinite(n) && n >= 0))
    return null;
  return { model: row.model.trim(), input_per_mtok: input, cached_per_mtok: cached, output_per_mtok: output };
}

function Prices() {
  const stored = useResource("prices", (signal) => api.getPrices(signal));
  return (
    <section className="card insights-card">
      <h2 id="prices-title">Prices</h2>
      <p className="soft">In US dollars per million tokens. A model may be a pattern, such as gpt-4o*.</p>
      {stored.error !== null && <ErrorNote error={stored.error} onRetry={stored.reload} />}
      {stored.value === null && stored.error === null && <Loading label="Loading the prices" rows={2} />}
      {stored.value && (
        <PriceEditor key={JSON.stringify(stored.value)} prices={stored.value} onSaved={stored.set} />
      )}
    </section>
  );
}

function PriceEditor({ prices, onSaved }: { prices: readonly Price[]; onSaved: (prices: Price[]) => void }) {
  const [rows, setRows] = useState<PriceRow[]>(() => prices.map(rowOf));
  const [wasTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const change = (id: number, fields: Partial<PriceRow>) =>
    setRows(rows.map((row) => (row.id === id ? { ...row, ...fields } : row)));

  const save = async () => {
    setTried(true);
    const parsed = rows.map(priceOf);
    if (parsed.includes(null)) return;
    setBusy(true);
    setError(null);
    try {
      onSaved(await api.putPrices(parsed.filter((price) => price !== null)));
      showToast("Prices saved");
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div className="table-scroll" tabIndex={0} role="region" aria-labelledby="prices-title">
        <table className="table prices">
          <thead>
            <tr>
              <th scope="col">Model</th>
              {priceColumns.map(({ name, label }) => (
                <th key={name} scope="col">
                  {label}
                </th>
              ))}
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => {
              const isBad = wasTried && priceOf(row) === null;
              return (
                <tr key={row.id}>
                  <td>
                    <input
                      className="input"
                      aria-label={`Model of price ${i + 1}`}
                      aria-invalid={isBad || undefined}
                      value={row.model}
                      onChange={(event) => change(row.id, { model: event.target.value })}
                    />
                  </td>
                  {priceColumns.map(({ name, label }) => (
                    <td key={name}>
                      <input
                        className="input"
                        inputMode="decimal"
                        aria-label={`${label} of price ${i + 1}`}
                        aria-invalid={isBad || undefined}
                        value={row[name]}
                        onChange={(event) => change(row.id, { [name]: event.target.value })}
                      />
                    </td>
                  ))}
                  <td>
                    <IconButton
                      icon="close"
                      label={`Remove price ${i + 1}`}
                      onClick={() => setRows(rows.filter(({ id }) => id !== row.id))}
                    />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {wasTried && rows.some((row) => priceOf(row) === null) && (
        <p className="field-error" role="alert">
          Every price needs a model and three numbers that are not negative.
        </p>
      )}
      {error !== null && <ErrorNote error={error} />}
      <div className="form-actions">
        <Button
          icon="plus"
          onClick={() => {
            const id = 1 + Math.max(-1, ...rows.map((row) => row.id));
            const empty = { model: "", input_per_mtok: 0, cached_per_mtok: 0, output_per_mtok: 0 };
            setRows([...rows, rowOf(empty, id)]);
          }}
        >
          Add a price
        </Button>
        <Button type="submit" look="primary" isBusy={isBusy}>
          Save prices
        </Button>
      </div>
    </form>
  );
}
