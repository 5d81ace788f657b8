import { useState } from "react";
import { api } from "../../api";
import {
  Button,
  Dialog,
  Empty,
  ErrorNote,
  Field,
  formatWhen,
  Link,
  Loading,
  navigate,
  plural,
} from "../../ui";
import { useSession } from "../session";
import { slugOf } from "./draft";
import { FileField } from "./ImportDialog";

export const kbPath = (name: string): string => `/faq/knowledge/${encodeURIComponent(name)}`;

export interface KbListProps {
  /** A file dropped on the page: what a new knowledge base is to be made of. */
  file: File | null;
  onFile: (file: File | null) => void;
  /** A knowledge base was made; `file` is to be imported into it. */
  onCreated: (name: string, file: File | null) => void;
}

export function KbList({ file, onFile, onCreated }: KbListProps) {
  const { kbs, kbsError, reloadKbs } = useSession();
  const [isCreating, setCreating] = useState(false);
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Knowledge bases</h1>
          <p>What the chatbot answers from. Drop a file anywhere on this page to make one of it.</p>
        </div>
        <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
          New knowledge base
        </Button>
      </header>
      {kbsError !== null && <ErrorNote error={kbsError} onRetry={reloadKbs} />}
      {kbs === null && kbsError === null && <Loading />}
      {kbs?.length === 0 && (
        <Empty icon="book" title="No knowledge base yet">
          <p>Import an FAQ file, or begin with an empty one and write the entries here.</p>
        </Empty>
      )}
      <ul className="kb-grid">
        {kbs?.map((kb) => (
          <li key={kb.name} className="card kb-card">
            <h2>
              <Link href={kbPath(kb.name)}>{kb.title || kb.name}</Link>
            </h2>
            <p className="soft">{kb.description}</p>
            <p className="kb-meta">
              {plural(kb.n_entries, "entry", "entries")} · {plural(kb.n_alternatives, "other wording")}
              {kb.languages.length > 0 && ` · ${kb.languages.join(", ")}`} · changed{" "}
              {formatWhen(kb.updated_at)}
            </p>
          </li>
        ))}
      </ul>
      {(isCreating || file !== null) && (
        <CreateDialog
          file={file}
          onFile={onFile}
          onClose={() => {
            setCreating(false);
            onFile(null);
          }}
          onCreated={(name) => {
            setCreating(false);
            reloadKbs();
            onCreated(name, file);
            navigate(kbPath(name));
          }}
        />
      )}
    </div>
  );
}

function CreateDialog({
  file,
  onFile,
  onClose,
  onCreated,
}: {
  file: File | null;
  onFile: (file: File) => void;
  onClose: () => void;
  onCreated: (name: string) => void;
}) {
  const [title, setTitle] = useState<string | null>(null);
  const [name, setName] = useState<string | null>(null);
  const [description, setDescription] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const shownTitle = title ?? file?.name.replace(/\.[^.]+$/, "") ?? "";
  const shownName = name ?? slugOf(shownTitle);
  const isNameGood = /^[a-z0-9-]{1,64}$/.test(shownName);

  const create = async () => {
    if (!isNameGood) return;
    setBusy(true);
    setError(null);
    try {
      await api.createKb({
        name: shownName,
        title: shownTitle.trim() || shownName,
        description: description.trim(),
      });
      onCreated(shownName);
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };

  return (
    <Dialog title="New knowledge base" onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <Field label="Title">
          {(control) => (
            <input
              {...control}
              className="input"
              autoFocus
              maxLength={200}
              value={shownTitle}
              onChange={(event) => setTitle(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Name"
          hint="In addresses, commands and the widget"
          error={shownName !== "" && !isNameGood ? "Only a–z, 0–9 and dashes, at most 64." : null}
        >
          {(control) => (
            <input
              {...control}
              className="input"
              value={shownName}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Description" isOptional>
          {(control) => (
            <input
              {...control}
              className="input"
              maxLength={500}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
        <FileField onFile={onFile}>
          {file ? (
            <>
              <strong>{file.name}</strong> is read next.
            </>
          ) : (
            "Begin with a file, if you have one."
          )}
        </FileField>
        {error !== null && <ErrorNote error={error} />}
        <div className="form-actions">
          <Button type="submit" look="primary" disabled={!isNameGood} isBusy={isBusy}>
            {file ? "Create and read the file" : "Create"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
