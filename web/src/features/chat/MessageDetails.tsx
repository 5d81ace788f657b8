import { useState } from "react";
import { api, type Message, type Span } from "../../api";
import {
  Button,
  ErrorNote,
  formatCost,
  formatCount,
  formatDateTime,
  formatMs,
  formatPercent,
  Loading,
  useResource,
} from "../../ui";

/** What an answer took: model, tokens, time and money; and its trace. */
export function MessageDetails({ message }: { message: Message }) {
  const [showsTrace, setShowsTrace] = useState(false);
  const { usage } = message;
  const rows: [string, string][] = [];
  if (message.confidence !== null) rows.push(["Confidence", formatPercent(message.confidence)]);
  if (message.model !== "")
    rows.push(["Model", [message.provider, message.model].filter(Boolean).join(" · ")]);
  if (message.prompt !== null) rows.push(["Prompt", message.prompt]);
  if (message.latency_ms !== null) rows.push(["Whole answer", formatMs(message.latency_ms)]);
  if (message.first_token_ms !== null) rows.push(["First token", formatMs(message.first_token_ms)]);
  if (usage) {
    const cached = usage.cached_tokens > 0 ? ` (${formatCount(usage.cached_tokens)} cached)` : "";
    rows.push(["Tokens in", formatCount(usage.input_tokens) + cached]);
    rows.push(["Tokens out", formatCount(usage.output_tokens)]);
  }
  rows.push(["Cost", message.cost_usd === null ? "no price known" : formatCost(message.cost_usd)]);
  rows.push(["Answered", formatDateTime(message.created_at)]);

  return (
    <div className="details-card">
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {message.trace_id !== null &&
        (showsTrace ? (
          <Trace id={message.trace_id} />
        ) : (
          <Button look="quiet" onClick={() => setShowsTrace(true)}>
            Show trace
          </Button>
        ))}
    </div>
  );
}

function depthOf(span: Span, byId: ReadonlyMap<string, Span>): number {
  let depth = 0;
  for (let at = span; at.parent_span_id !== null && depth < 12; ++depth) {
    const parent = byId.get(at.parent_span_id);
    if (!parent) break;
    at = parent;
  }
  return depth;
}

function Trace({ id }: { id: string }) {
  const { value: spans, error, reload } = useResource(id, (signal) => api.getTrace(id, signal));
  if (error !== null) return <ErrorNote error={error} onRetry={reload} />;
  if (spans === null) return <Loading label="Loading the trace" rows={2} />;
  const starts = spans.map((span) => Date.parse(span.start));
  const begin = Math.min(...starts);
  const total = Math.max(1, ...spans.map((span, i) => (starts[i] ?? begin) - begin + span.duration_ms));
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  return (
    <ol className="trace" aria-label={`Trace ${id}`}>
      {spans.map((span, i) => {
        const left = (((starts[i] ?? begin) - begin) / total) * 100;
        const width = Math.max(0.8, (span.duration_ms / total) * 100);
        return (
          <li key={span.span_id} className={span.failed ? "trace-span is-failed" : "trace-span"}>
            <span className="trace-name" style={{ paddingLeft: `${depthOf(span, byId) * 12}px` }}>
              {span.name}
              {span.failed && ` — ${span.status_message || "failed"}`}
            </span>
            <span className="trace-bar" aria-hidden="true">
              <span style={{ left: `${Math.min(left, 99)}%`, width: `${Math.min(width, 100 - left)}%` }} />
            </span>
            <span className="trace-time">{formatMs(span.duration_ms)}</span>
          </li>
        );
      })}
    </ol>
  );
}
