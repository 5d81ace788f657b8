import { api } from "../../api";
import {
  Dialog,
  ErrorNote,
  formatDateTime,
  Icon,
  Link,
  Loading,
  Markdown,
  plural,
  useResource,
} from "../../ui";
import "./entries.css";

export function entryPath(kb: string, id: string): string {
  return `/faq/knowledge/${encodeURIComponent(kb)}/entries/${encodeURIComponent(id)}`;
}

/** The whole entry that an answer came from, beside the conversation. */
export function EntryPanel({ kb, id, onClose }: { kb: string; id: string; onClose: () => void }) {
  const {
    value: entry,
    error,
    reload,
  } = useResource(`${kb} ${id}`, (signal) => api.getEntry(kb, id, signal));
  return (
    <Dialog
      title="Entry"
      placement="side"
      onClose={onClose}
      footer={
        <Link className="button button-plain" href={entryPath(kb, id)} onClick={onClose}>
          <Icon name="edit" size={16} /> Edit entry
        </Link>
      }
    >
      {error !== null ? (
        <ErrorNote error={error} onRetry={reload} />
      ) : entry === null ? (
        <Loading label="Loading the entry" />
      ) : (
        <article className="entry-panel">
          <h3>{entry.question}</h3>
          <Markdown text={entry.answer} />
          {entry.url !== "" && /^https?:/.test(entry.url) && (
            <a className="entry-link" href={entry.url} target="_blank" rel="noopener noreferrer">
              <Icon name="link" size={16} /> {entry.url}
            </a>
          )}
          {entry.tags.length > 0 && (
            <p className="entry-tags">
              {entry.tags.map((tag) => (
                <span key={tag} className="badge">
                  {tag}
                </span>
              ))}
            </p>
          )}
          {entry.alternatives.length > 0 && (
            <details>
              <summary>Also asked as ({entry.alternatives.length})</summary>
              <ul>
                {entry.alternatives.slice(0, 50).map((text) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            </details>
          )}
          <p className="entry-meta">
            Used {plural(entry.n_uses, "time")} · changed {formatDateTime(entry.updated_at)}
            {entry.updated_by !== "" && ` by ${entry.updated_by}`} · <code>{entry.id}</code>
          </p>
        </article>
      )}
    </Dialog>
  );
}
