import { useState } from "react";
import { type Answer, api, type Cluster, describeError, type Entry, type Kb } from "../../api";
import {
  Button,
  Dialog,
  Empty,
  ErrorNote,
  formatPercent,
  formatWhen,
  Icon,
  Link,
  Loading,
  plural,
  showErrorToast,
  showToast,
  useResource,
} from "../../ui";
import { entryPath } from "../entries";
import { EntryEditor } from "../knowledge";
import { useSession } from "../session";
import "./inbox.css";

const reasonNames: Record<string, string> = { unanswered: "not answered", rated_down: "rated badly" };

/** What became of questions that were just resolved: the proof that they are answered now. */
interface Outcome {
  question: string;
  entry: Entry;
  answer: Answer | null;
  problem: string | null;
}

type Work = { kind: "write" | "assign"; cluster: Cluster; ids: string[] };

export function InboxView({ kb }: { kb: Kb }) {
  const { reloadKbs } = useSession();
  const inbox = useResource(kb.name, (signal) => api.getInbox(kb.name, signal), { keep: true });
  const [work, setWork] = useState<Work | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  const textsOf = ({ cluster, ids }: Work) =>
    cluster.questions.filter((question) => ids.includes(question.id)).map((question) => question.text);

  const resolved = async (done: Work, entry: Entry) => {
    const question = textsOf(done)[0] ?? done.cluster.title;
    setWork(null);
    inbox.reload();
    reloadKbs();
    try {
      const answer = await api.ask(kb.name, question);
      setOutcome({ question, entry, answer, problem: null });
      if (answer.refused) inbox.reload();
    } catch (error) {
      setOutcome({ question, entry, answer: null, problem: describeError(error) });
    }
  };

  const dismiss = async (ids: string[]) => {
    try {
      await api.dismissQuestions(kb.name, ids);
      showToast(`${plural(ids.length, "question")} dismissed`);
      inbox.reload();
    } catch (error) {
      showErrorToast(error);
    }
  };

  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Inbox</h1>
          <p>Questions to {kb.title || kb.name} that were not answered, or whose answer was rated badly.</p>
        </div>
      </header>
      {outcome && <OutcomeNote kb={kb.name} outcome={outcome} onClose={() => setOutcome(null)} />}
      {inbox.error !== null && <ErrorNote error={inbox.error} onRetry={inbox.reload} />}
      {inbox.value === null && inbox.error === null && <Loading label="Loading the inbox" />}
      {inbox.value?.clusters.length === 0 && (
        <Empty icon="inbox" title="Nothing to do">
          <p>Every question so far was answered, and nobody rated an answer badly.</p>
        </Empty>
      )}
      <ul className="clusters" aria-label="Groups of questions">
        {inbox.value?.clusters.map((cluster) => (
          <ClusterRow
            key={cluster.id}
            cluster={cluster}
            kb={kb.name}
            onWrite={(ids) => setWork({ kind: "write", cluster, ids })}
            onAssign={(ids) => setWork({ kind: "assign", cluster, ids })}
            onDismiss={(ids) => void dismiss(ids)}
          />
        ))}
      </ul>
      {work?.kind === "write" && (
        <Dialog title="Write an entry" isWide onClose={() => setWork(null)}>
          <p className="soft">
            Once saved, {plural(work.ids.length, "question")} from the inbox will be answered by it.
          </p>
          <EntryEditor
            kb={kb.name}
            entry={null}
            prefill={{ question: textsOf(work)[0] ?? "", alternatives: textsOf(work).slice(1) }}
            inboxIds={work.ids}
            onSaved={(entry) => void resolved(work, entry)}
            onCancel={() => setWork(null)}
          />
        </Dialog>
      )}
      {work?.kind === "assign" && (
        <AssignDialog
          kb={kb.name}
          work={work}
          onClose={() => setWork(null)}
          onAssigned={(entry) => void resolved(work, entry)}
        />
      )}
    </div>
  );
}

function OutcomeNote({ kb, outcome, onClose }: { kb: string; outcome: Outcome; onClose: () => void }) {
  const { question, entry, answer, problem } = outcome;
  const isAnswered = answer !== null && !answer.refused && answer.entries.includes(entry.id);
  return (
    <div className={isAnswered ? "note note-ok" : "note note-warm"} role="status">
      <Icon name={isAnswered ? "check" : "warning"} size={18} />
      <p>
        {isAnswered ? (
          <>
            “{question}” now answers
            {answer.confidence !== null && ` with ${formatPercent(answer.confidence)}`}.
          </>
        ) : problem !== null ? (
          <>The entry is saved, but it could not be tested: {problem}</>
        ) : (
          <>
            The entry is saved, but “{question}” is still{" "}
            {answer?.refused ? "refused" : "answered by another entry"}. Add its wording as an alternative.
          </>
        )}{" "}
        <Link href={entryPath(kb, entry.id)}>Open the entry</Link>
      </p>
      <Button look="quiet" onClick={onClose}>
        Close
      </Button>
    </div>
  );
}

function ClusterRow({
  cluster,
  kb,
  onWrite,
  onAssign,
  onDismiss,
}: {
  cluster: Cluster;
  kb: string;
  onWrite: (ids: string[]) => void;
  onAssign: (ids: string[]) => void;
  onDismiss: (ids: string[]) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const [unchecked, setUnchecked] = useState<ReadonlySet<string>>(new Set());
  const ids = cluster.questions.map((question) => question.id).filter((id) => !unchecked.has(id));

  const toggle = (id: string) => {
    const next = new Set(unchecked);
    if (!next.delete(id)) next.add(id);
    setUnchecked(next);
  };

  return (
    <li className="cluster card">
      <div className="cluster-head">
        <button
          type="button"
          className="cluster-title"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <span className={isOpen ? "cluster-chevron is-open" : "cluster-chevron"}>
            <Icon name="chevron" size={16} />
          </span>
          <span>{cluster.title}</span>
        </button>
        <span className="cluster-badges">
          {cluster.reasons.map((reason) => (
            <span key={reason} className="badge badge-warm">
              {reasonNames[reason] ?? reason}
            </span>
          ))}
          <span className="badge">asked {cluster.n}×</span>
        </span>
      </div>
      <p className="soft">
        {plural(cluster.questions.length, "wording")} · last {formatWhen(cluster.last_asked)}
        {cluster.nearest && (
          <>
            {" · nearest: "}
            <Link href={entryPath(kb, cluster.nearest.id)}>{cluster.nearest.question}</Link>
          </>
        )}
      </p>
      {isOpen && (
        <ul className="cluster-questions">
          {cluster.questions.map((question) => (
            <li key={question.id}>
              <label className="check">
                <input
                  type="checkbox"
                  checked={!unchecked.has(question.id)}
                  onChange={() => toggle(question.id)}
                />
                <span>
                  <span className="cluster-text">{question.text}</span>{" "}
                  <span className="soft">
                    {reasonNames[question.reason] ?? question.reason} · {formatWhen(question.asked_at)}
                    {question.count > 1 && ` · ${question.count}×`}
                  </span>
                  {question.answer !== null && question.answer !== "" && (
                    <span className="cluster-answer">It answered: {question.answer.slice(0, 300)}</span>
                  )}
                </span>
              </label>
            </li>
          ))}
        </ul>
      )}
      <div className="form-actions">
        <Button icon="edit" disabled={ids.length === 0} onClick={() => onWrite(ids)}>
          Write an entry
        </Button>
        <Button icon="plus" disabled={ids.length === 0} onClick={() => onAssign(ids)}>
          Add to an entry
        </Button>
        <Button look="quiet" disabled={ids.length === 0} onClick={() => onDismiss(ids)}>
          Dismiss
        </Button>
        {isOpen && ids.length < cluster.questions.length && (
          <span className="soft">{ids.length} selected</span>
        )}
      </div>
    </li>
  );
}

function AssignDialog({
  kb,
  work,
  onClose,
  onAssigned,
}: {
  kb: string;
  work: Work;
  onClose: () => void;
  onAssigned: (entry: Entry) => void;
}) {
  const [query, setQuery] = useState(work.cluster.nearest?.question ?? "");
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const found = useResource(
    `${kb} ${query}`,
    async (signal) => (await api.listEntries(kb, { query, limit: 20 }, signal)).entries,
    { keep: true, delayMs: 150 },
  );

  const assign = async (id: string) => {
    setBusy(id);
    setError(null);
    try {
      onAssigned(await api.assignQuestions(kb, work.ids, id));
    } catch (reason) {
      setError(reason);
      setBusy(null);
    }
  };

  return (
    <Dialog title="Add to an entry" isWide onClose={onClose}>
      <p className="soft">
        {plural(work.ids.length, "question")} become other wordings of the entry you choose.
      </p>
      <div className="search-box">
        <Icon name="search" size={17} />
        <input
          className="input"
          type="search"
          aria-label="Search entries"
          autoFocus
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      {error !== null && <ErrorNote error={error} />}
      {found.error !== null && <ErrorNote error={found.error} onRetry={found.reload} />}
      {found.value === null && found.error === null && <Loading label="Searching" />}
      {found.value?.length === 0 && <p className="soft">No entry matches.</p>}
      <ul className="assign-list">
        {found.value?.map((entry) => (
          <li key={entry.id}>
            <div>
              <strong>{entry.question}</strong>
              <span className="soft">{entry.answer.slice(0, 120)}</span>
            </div>
            <Button
              isBusy={busy === entry.id}
              disabled={busy !== null}
              aria-label={`Add to “${entry.question}”`}
              onClick={() => void assign(entry.id)}
            >
              Add here
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
