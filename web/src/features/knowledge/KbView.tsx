import { useState } from "react";
import { api, type Entry, type Kb } from "../../api";
import {
  Button,
  ConfirmDialog,
  Dialog,
  Empty,
  ErrorNote,
  Field,
  formatCount,
  Icon,
  Link,
  Loading,
  Menu,
  navigate,
  plural,
  saveFile,
  showErrorToast,
  showToast,
  useResource,
} from "../../ui";
import { useSession } from "../session";
import { EntryEditor } from "./EntryEditor";
import { ImportDialog } from "./ImportDialog";
import { kbPath } from "./KbList";

const kPageSize = 60;

export interface KbViewProps {
  kb: Kb;
  /** The entry in the editor, "" for a new one, null for none. */
  entryId: string | null;
  file: File | null;
  onFile: (file: File | null) => void;
}

export function KbView({ kb, entryId, file, onFile }: KbViewProps) {
  const { info, reloadKbs } = useSession();
  const [query, setQuery] = useState("");
  const [tag, setTag] = useState("");
  const [nShown, setShown] = useState(kPageSize);
  const [open, setOpen] = useState<"import" | "delete" | "rename" | null>(null);
  const [knownTags, setKnownTags] = useState<readonly string[]>([]);

  const list = useResource(
    `${kb.name} ${tag} ${nShown} ${query}`,
    async (signal) => {
      const entries: Entry[] = [];
      let cursor: string | null = null;
      let total: number;
      do {
        const page = await api.listEntries(
          kb.name,
          { query, tag, cursor, limit: Math.min(200, nShown) },
          signal,
        );
        entries.push(...page.entries);
        cursor = page.next_cursor;
        total = page.total;
      } while (cursor !== null && entries.length < nShown);
      setKnownTags((tags) => [...new Set([...tags, ...entries.flatMap((entry) => entry.tags)])].sort());
      return { entries, total };
    },
    { keep: true, delayMs: query === "" ? 0 : 150 },
  );
  const listed = list.value?.entries.find((entry) => entry.id === entryId);
  const path = kbPath(kb.name);

  const changed = () => {
    list.reload();
    reloadKbs();
  };
  const exportAs = async (format: "json" | "jsonl" | "csv" | "markdown") => {
    try {
      saveFile(await api.exportKb(kb.name, format), `${kb.name}.${format === "markdown" ? "md" : format}`);
    } catch (error) {
      showErrorToast(error);
    }
  };

  return (
    <div className={entryId === null ? "kb" : "kb has-editor"}>
      <section className="kb-list" aria-label="Entries">
        <header className="kb-head">
          <Link className="kb-back" href="/faq/knowledge">
            <Icon name="back" size={16} /> All
          </Link>
          <h1>{kb.title || kb.name}</h1>
          <Menu
            label="Knowledge base actions"
            items={[
              { label: "Title and description", icon: "edit", run: () => setOpen("rename") },
              { label: "Export as JSON", icon: "download", run: () => void exportAs("json") },
              { label: "Export as JSONL", icon: "download", run: () => void exportAs("jsonl") },
              { label: "Export as CSV", icon: "download", run: () => void exportAs("csv") },
              { label: "Export as Markdown", icon: "download", run: () => void exportAs("markdown") },
              { label: "Delete knowledge base", icon: "trash", isDanger: true, run: () => setOpen("delete") },
            ]}
          />
        </header>
        <div className="page-actions">
          <Link className="button button-primary" href={`${path}/new`}>
            <Icon name="plus" size={17} /> New entry
          </Link>
          <Button icon="upload" onClick={() => setOpen("import")}>
            Import
          </Button>
          <Link className="button" href={`${path}/history`}>
            <Icon name="history" size={17} /> History
          </Link>
        </div>
        <div className="kb-filter">
          <div className="search-box">
            <Icon name="search" size={17} />
            <input
              className="input"
              type="search"
              aria-label="Search entries"
              placeholder={`Search ${plural(kb.n_entries, "entry", "entries")}`}
              value={query}
              onChange={(event) => {
                setQuery(event.target.value);
                setShown(kPageSize);
              }}
            />
          </div>
          {knownTags.length > 0 && (
            <select
              className="select"
              aria-label="Tag"
              value={tag}
              onChange={(event) => setTag(event.target.value)}
            >
              <option value="">All tags</option>
              {knownTags.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </div>
        <p className="visually-hidden" role="status">
          {list.value && !list.isLoading ? `${plural(list.value.total, "entry", "entries")} found` : ""}
        </p>
        <div className="kb-scroll" tabIndex={-1}>
          {list.error !== null && <ErrorNote error={list.error} onRetry={list.reload} />}
          {list.value === null && list.error === null && <Loading label="Loading entries" rows={8} />}
          {list.value?.entries.length === 0 &&
            (query === "" && tag === "" ? (
              <Empty icon="book" title="No entries yet">
                <p>Write the first one, or import a file. Dropping it anywhere on this page works too.</p>
              </Empty>
            ) : (
              <p className="soft kb-none">No entry matches.</p>
            ))}
          <ul className="entry-list">
            {list.value?.entries.map((entry) => (
              <li key={entry.id}>
                <Link
                  className="entry-row"
                  href={`${path}/entries/${encodeURIComponent(entry.id)}`}
                  aria-current={entry.id === entryId ? "true" : undefined}
                >
                  <span className="entry-question">{entry.question}</span>
                  <span className="entry-answer">{entry.answer.slice(0, 140)}</span>
                  <span className="entry-row-meta">
                    {entry.n_uses > 0 ? `used ${formatCount(entry.n_uses)}×` : "not used yet"}
                    {entry.alternatives.length > 0 &&
                      ` · ${plural(entry.alternatives.length, "other wording")}`}
                    {entry.tags.length > 0 && ` · ${entry.tags.slice(0, 4).join(", ")}`}
                  </span>
                </Link>
              </li>
            ))}
          </ul>
          {list.value && list.value.total > list.value.entries.length && (
            <Button look="quiet" isBusy={list.isLoading} onClick={() => setShown(nShown + 200)}>
              Show more ({formatCount(list.value.entries.length)} of {formatCount(list.value.total)})
            </Button>
          )}
        </div>
      </section>
      <section className="kb-editor" aria-label="Entry">
        <header className="kb-phone-head">
          <Link className="kb-back" href={path} aria-label="Back to the entries">
            <Icon name="back" size={18} />
          </Link>
          <h1>{kb.title || kb.name}</h1>
        </header>
        {entryId === null ? (
          <Empty icon="edit" title="Choose an entry to edit it">
            <p>What you save answers at once.</p>
          </Empty>
        ) : entryId === "" ? (
          <EntryEditor
            key="new"
            kb={kb.name}
            entry={null}
            onSaved={(entry) => {
              changed();
              navigate(`${path}/entries/${encodeURIComponent(entry.id)}`, { replace: true });
            }}
            onCancel={() => navigate(path)}
          />
        ) : (
          <StoredEntry
            key={entryId}
            kb={kb.name}
            id={entryId}
            listed={listed ?? null}
            onChanged={changed}
            onClose={() => navigate(path)}
          />
        )}
      </section>

      {(open === "import" || file !== null) && (
        <ImportDialog
          kb={kb.name}
          file={file}
          maxBytes={info.limits.max_upload_bytes}
          onFile={onFile}
          onClose={() => {
            setOpen(null);
            onFile(null);
          }}
          onDone={() => {
            setOpen(null);
            onFile(null);
            changed();
          }}
        />
      )}
      {open === "rename" && <KbForm kb={kb} onClose={() => setOpen(null)} onSaved={reloadKbs} />}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete ${kb.title || kb.name}?`}
          action="Delete for good"
          mustType={kb.name}
          onClose={() => setOpen(null)}
          onConfirm={async () => {
            await api.deleteKb(kb.name);
            showToast(`${kb.title || kb.name} is deleted`);
            reloadKbs();
            navigate("/faq/knowledge");
          }}
        >
          <p>
            Its {plural(kb.n_entries, "entry", "entries")}, their history and the inbox are deleted with it.
            This cannot be undone; export it first if you may want it back.
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function StoredEntry({
  kb,
  id,
  listed,
  onChanged,
  onClose,
}: {
  kb: string;
  id: string;
  listed: Entry | null;
  onChanged: () => void;
  onClose: () => void;
}) {
  // The list may be older than the entry, so it is read again; until then nothing can be edited by mistake.
  const { value, error, reload } = useResource(`${kb} ${id}`, (signal) => api.getEntry(kb, id, signal));
  if (error !== null) return <ErrorNote error={error} onRetry={reload} />;
  if (!value) return <Loading label={`Loading ${listed?.question ?? "the entry"}`} rows={6} />;
  return (
    <EntryEditor
      kb={kb}
      entry={value}
      onSaved={onChanged}
      onDeleted={() => {
        onChanged();
        onClose();
      }}
      onCancel={onClose}
    />
  );
}

function KbForm({ kb, onClose, onSaved }: { kb: Kb; onClose: () => void; onSaved: () => void }) {
  const [title, setTitle] = useState(kb.title);
  const [description, setDescription] = useState(kb.description);
  const [error, setError] = useState<unknown>(null);
  const save = async () => {
    try {
      await api.updateKb(kb.name, { title: title.trim(), description: description.trim() });
      onSaved();
      onClose();
    } catch (reason) {
      setError(reason);
    }
  };
  return (
    <Dialog title="Title and description" onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label="Title">
          {(control) => (
            <input
              {...control}
              className="input"
              value={title}
              onChange={(event) => setTitle(event.target.value)}
            />
          )}
        </Field>
        <Field label="Description" isOptional>
          {(control) => (
            <input
              {...control}
              className="input"
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNote error={error} />}
        <div className="form-actions">
          <Button type="submit" look="primary">
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
