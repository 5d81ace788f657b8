import { useState } from "react";
import { api, ApiError, decodeEntry, type Entry, type EntryDraft } from "../../api";
import {
  Button,
  ConfirmDialog,
  ErrorNote,
  Field,
  formatDateTime,
  IconButton,
  Markdown,
  plural,
  showToast,
  useLeaveGuard,
  useShortcuts,
} from "../../ui";
import { ConflictDialog } from "./ConflictDialog";
import { checkDraft, cleanDraft, draftOf, isSameDraft, kEmptyDraft } from "./draft";
import "./knowledge.css";

export interface EntryEditorProps {
  kb: string;
  /** null makes a new one. */
  entry: Entry | null;
  /** What a new entry starts with. */
  prefill?: Partial<EntryDraft> | undefined;
  /** Inbox questions that this entry resolves when it is saved. */
  inboxIds?: readonly string[] | undefined;
  onSaved: (entry: Entry) => void;
  onDeleted?: ((id: string) => void) | undefined;
  onCancel: () => void;
}

export function EntryEditor({
  kb,
  entry,
  prefill,
  inboxIds,
  onSaved,
  onDeleted,
  onCancel,
}: EntryEditorProps) {
  const [base, setBase] = useState(entry);
  const [draft, setDraft] = useState<EntryDraft>(() =>
    entry ? draftOf(entry) : { ...kEmptyDraft, ...prefill },
  );
  const [wasTried, setTried] = useState(false);
  const [isSaving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  /** Another person's version (null: they deleted it) that stands against this draft. */
  const [conflict, setConflict] = useState<{ theirs: Entry | null } | null>(null);
  const [beside, setBeside] = useState<Entry | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const [isPreview, setPreview] = useState(false);
  const isDirty = !isSameDraft(draft, base ? draftOf(base) : kEmptyDraft);
  const leave = useLeaveGuard(isDirty && !isSaving && !isDeleting && conflict === null);
  const problems = wasTried ? checkDraft(draft) : {};

  const change = (fields: Partial<EntryDraft>) => setDraft({ ...draft, ...fields });

  const saveAs = async (target: Entry | null) => {
    setTried(true);
    if (Object.keys(checkDraft(draft)).length > 0) return;
    setSaving(true);
    setError(null);
    setConflict(null);
    try {
      const clean = cleanDraft(draft);
      const saved = target
        ? await api.updateEntry(kb, target.id, clean, target.revision)
        : await api.createEntry(kb, clean, inboxIds);
      setBase(saved);
      setDraft(draftOf(saved));
      setBeside(null);
      setTried(false);
      showToast("Saved; it answers at once");
      onSaved(saved);
    } catch (reason) {
      if (reason instanceof ApiError && reason.status === 409 && "current" in reason.problem) {
        const { current } = reason.problem;
        setConflict({ theirs: current === null ? null : decodeEntry(current, "current") });
      } else {
        setError(reason);
      }
    } finally {
      setSaving(false);
    }
  };
  const save = () => void saveAs(base);

  useShortcuts([{ keys: "mod+s", label: "Save the entry", run: save }]);

  return (
    <form
      className="editor"
      aria-label={base ? "Edit entry" : "New entry"}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <h2 className="visually-hidden">{base ? "Edit entry" : "New entry"}</h2>
      {beside && <TheirVersion entry={beside} onClose={() => setBeside(null)} />}
      <Field label="Question" error={problems.question}>
        {(control) => (
          <textarea
            {...control}
            className="input editor-question"
            rows={2}
            value={draft.question}
            onChange={(event) => change({ question: event.target.value })}
          />
        )}
      </Field>
      <div className="editor-answer">
        <div className="segmented" role="group" aria-label="View">
          <button type="button" aria-pressed={!isPreview} onClick={() => setPreview(false)}>
            Write
          </button>
          <button type="button" aria-pressed={isPreview} onClick={() => setPreview(true)}>
            Preview
          </button>
        </div>
        <Field
          label="Answer"
          error={problems.answer}
          hint="Markdown: **bold**, lists, tables, `code`, and formulas between $ signs."
        >
          {(control) =>
            isPreview ? (
              <div className="editor-preview" aria-live="polite">
                {draft.answer.trim() === "" ? (
                  <p className="soft">Nothing to show yet.</p>
                ) : (
                  <Markdown text={draft.answer} />
                )}
              </div>
            ) : (
              <textarea
                {...control}
                className="input"
                rows={9}
                value={draft.answer}
                onChange={(event) => change({ answer: event.target.value })}
              />
            )
          }
        </Field>
      </div>
      <Alternatives items={draft.alternatives} onChange={(alternatives) => change({ alternatives })} />
      <div className="editor-row">
        <Field label="Tags" isOptional hint="Separated by commas">
          {(control) => (
            <input
              {...control}
              className="input"
              value={draft.tags.join(",").replace(/,(?=\S)/g, ", ")}
              onChange={(event) =>
                change({ tags: event.target.value.split(",").map((tag) => tag.trimStart()) })
              }
            />
          )}
        </Field>
        <Field label="Language" isOptional error={problems.language}>
          {(control) => (
            <input
              {...control}
              className="input"
              placeholder="en"
              value={draft.language}
              onChange={(event) => change({ language: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field label="Link" isOptional error={problems.url}>
        {(control) => (
          <input
            {...control}
            className="input"
            type="url"
            inputMode="url"
            placeholder="https://"
            value={draft.url}
            onChange={(event) => change({ url: event.target.value })}
          />
        )}
      </Field>
      {error !== null && <ErrorNote error={error} />}
      <div className="editor-foot">
        <Button type="submit" look="primary" isBusy={isSaving} disabled={!isDirty && base !== null}>
          {base ? "Save" : "Add entry"}
        </Button>
        <Button onClick={onCancel}>Close</Button>
        {base && onDeleted && (
          <Button look="quiet" icon="trash" onClick={() => setDeleting(true)}>
            Delete
          </Button>
        )}
        <span className="soft" role="status">
          {isDirty
            ? "Not saved"
            : base
              ? `Used ${plural(base.n_uses, "time")} · ${formatDateTime(base.updated_at)}`
              : ""}
        </span>
      </div>

      {conflict && (
        <ConflictDialog
          theirs={conflict.theirs}
          mine={cleanDraft(draft)}
          onClose={() => setConflict(null)}
          onKeepMine={() => void saveAs(conflict.theirs)}
          onTakeTheirs={() => {
            setConflict(null);
            if (conflict.theirs) {
              setBase(conflict.theirs);
              setDraft(draftOf(conflict.theirs));
              onSaved(conflict.theirs);
            } else if (base) {
              setDraft(draftOf(base));
              onDeleted?.(base.id);
            }
          }}
          onMerge={() => {
            // From here the next save knows their version, so it can replace it.
            setConflict(null);
            setBase(conflict.theirs);
            setBeside(conflict.theirs);
          }}
        />
      )}
      {isDeleting && base && (
        <ConfirmDialog
          title="Delete this entry?"
          action="Delete entry"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await api.deleteEntry(kb, base.id, base.revision);
            setDraft(draftOf(base));
            showToast("Entry deleted; the history can bring it back");
            onDeleted?.(base.id);
          }}
        >
          <p>“{base.question}” is not answered any more. The history keeps it, so this can be undone.</p>
        </ConfirmDialog>
      )}
      {leave.pending && (
        <ConfirmDialog
          title="Leave without saving?"
          action="Leave"
          onClose={leave.stay}
          onConfirm={() => leave.pending?.()}
        >
          <p>The changes to this entry are not saved.</p>
        </ConfirmDialog>
      )}
    </form>
  );
}

function Alternatives({
  items,
  onChange,
}: {
  items: readonly string[];
  onChange: (items: string[]) => void;
}) {
  const [shown, setShown] = useState(20);
  const set = (at: number, text: string) => onChange(items.map((item, i) => (i === at ? text : item)));
  return (
    <fieldset className="alternatives">
      <legend className="field-label">
        Also asked as <span className="field-optional">optional</span>
      </legend>
      {items.slice(0, shown).map((text, i) => (
        <div key={i} className="alternative">
          <input
            className="input"
            aria-label={`Alternative ${i + 1}`}
            value={text}
            autoFocus={text === "" && i === items.length - 1}
            onChange={(event) => set(i, event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              if (text.trim() !== "") onChange([...items, ""]);
            }}
          />
          <IconButton
            icon="close"
            label={`Remove alternative ${i + 1}`}
            onClick={() => onChange(items.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      <div className="form-actions">
        <Button
          look="quiet"
          icon="plus"
          onClick={() => {
            setShown(Math.max(shown, items.length + 1));
            onChange([...items, ""]);
          }}
        >
          Add a wording
        </Button>
        {items.length > shown && (
          <Button look="quiet" onClick={() => setShown(items.length)}>
            Show all {items.length}
          </Button>
        )}
      </div>
    </fieldset>
  );
}

function TheirVersion({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  return (
    <section className="note note-warm their-version" aria-label="Their version">
      <div>
        <strong>Their version</strong>, by {entry.updated_by || "someone"}, {formatDateTime(entry.updated_at)}
        <p className="plain-text">{entry.question}</p>
        <p className="plain-text">{entry.answer}</p>
        {entry.alternatives.length > 0 && <p>Also asked as: {entry.alternatives.join(" · ")}</p>}
        {entry.tags.length > 0 && <p>Tags: {entry.tags.join(", ")}</p>}
      </div>
      <IconButton icon="close" label="Hide their version" onClick={onClose} />
    </section>
  );
}
