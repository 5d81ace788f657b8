import { useState } from "react";
import { api, type Change, type Kb } from "../../api";
import {
  Button,
  Empty,
  ErrorNote,
  formatDateTime,
  Icon,
  type IconName,
  Link,
  Loading,
  plural,
  showErrorToast,
  showToast,
  useResource,
} from "../../ui";
import { useSession } from "../session";
import { EntryDiff } from "./ConflictDialog";
import { draftOf } from "./draft";
import { kbPath } from "./KbList";

const icons: Record<Change["kind"], IconName> = {
  create: "plus",
  update: "edit",
  delete: "trash",
  import: "upload",
  undo: "retry",
};

export function HistoryView({ kb }: { kb: Kb }) {
  const { reloadKbs } = useSession();
  const [cursors, setCursors] = useState(1);
  const history = useResource(
    `${kb.name} ${cursors}`,
    async (signal) => {
      const changes: Change[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < cursors; ++page) {
        const next: Awaited<ReturnType<typeof api.getHistory>> = await api.getHistory(
          kb.name,
          cursor,
          signal,
        );
        changes.push(...next.changes);
        cursor = next.next_cursor;
        if (cursor === null) break;
      }
      return { changes, hasMore: cursor !== null };
    },
    { keep: true },
  );

  const undo = async (change: Change) => {
    try {
      await api.undoChange(kb.name, change.id);
      showToast("Undone; the history keeps both changes");
      history.reload();
      reloadKbs();
    } catch (error) {
      showErrorToast(error);
    }
  };

  return (
    <div className="page">
      <header className="page-head">
        <div>
          <Link className="kb-back" href={kbPath(kb.name)}>
            <Icon name="back" size={16} /> {kb.title || kb.name}
          </Link>
          <h1>History of changes</h1>
        </div>
      </header>
      {history.error !== null && <ErrorNote error={history.error} onRetry={history.reload} />}
      {history.value === null && history.error === null && <Loading />}
      {history.value?.changes.length === 0 && (
        <Empty icon="history" title="Nothing has changed yet">
          <p>Every edit and import is listed here and can be undone.</p>
        </Empty>
      )}
      <ol className="changes" aria-label="Changes, newest first">
        {history.value?.changes.map((change) => (
          <ChangeRow key={change.id} change={change} onUndo={() => void undo(change)} />
        ))}
      </ol>
      {history.value?.hasMore && (
        <div>
          <Button look="quiet" onClick={() => setCursors(cursors + 1)}>
            Show older
          </Button>
        </div>
      )}
    </div>
  );
}

function ChangeRow({ change, onUndo }: { change: Change; onUndo: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const nMore = change.n_entries - change.entries.length;
  return (
    <li className={change.undone ? "change is-undone" : "change"}>
      <div className="change-head">
        <Icon name={icons[change.kind]} size={18} />
        <button
          type="button"
          className="change-title"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <span>{change.summary || change.kind}</span>
          <span className="soft">
            {formatDateTime(change.time)}
            {change.actor !== "" && ` · ${change.actor}`} · {plural(change.n_entries, "entry", "entries")}
            {change.undone && " · undone"}
          </span>
        </button>
        <Button
          disabled={change.undone}
          onClick={onUndo}
          aria-label={`Undo: ${change.summary || change.kind}`}
        >
          Undo
        </Button>
      </div>
      {isOpen && (
        <div className="change-body">
          {change.entries.map(({ id, before, after }) => (
            <section key={id} className="change-entry" aria-label={(after ?? before)?.question ?? id}>
              <h2>{(after ?? before)?.question ?? id}</h2>
              <EntryDiff before={before && draftOf(before)} after={after && draftOf(after)} />
            </section>
          ))}
          {nMore > 0 && <p className="soft">and {plural(nMore, "more entry", "more entries")}</p>}
        </div>
      )}
    </li>
  );
}
