import type { Entry, EntryDraft } from "../../api";
import { Button, Dialog, Diff, formatDateTime } from "../../ui";
import { draftOf } from "./draft";

const fields: { name: keyof EntryDraft; label: string }[] = [
  { name: "question", label: "Question" },
  { name: "answer", label: "Answer" },
  { name: "alternatives", label: "Also asked as" },
  { name: "tags", label: "Tags" },
  { name: "language", label: "Language" },
  { name: "url", label: "Link" },
];

export const textOfField = (draft: EntryDraft, name: keyof EntryDraft): string => {
  const value = draft[name];
  return typeof value === "string" ? value : value.join("\n");
};

/** The fields in which two versions differ, word by word. */
export function EntryDiff({ before, after }: { before: EntryDraft | null; after: EntryDraft | null }) {
  return (
    <dl className="entry-diff">
      {fields.map(({ name, label }) => {
        const from = before ? textOfField(before, name) : "";
        const to = after ? textOfField(after, name) : "";
        if (from === to) return null;
        return (
          <div key={name}>
            <dt>{label}</dt>
            <dd>
              <Diff before={from} after={to} />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

export interface ConflictProps {
  /** null: they deleted the entry. */
  theirs: Entry | null;
  mine: EntryDraft;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
  onMerge: () => void;
  onClose: () => void;
}

export function ConflictDialog({ theirs, mine, onKeepMine, onTakeTheirs, onMerge, onClose }: ConflictProps) {
  if (!theirs) {
    return (
      <Dialog
        title="Someone else deleted this entry"
        onClose={onClose}
        footer={
          <>
            <Button onClick={onTakeTheirs}>Let it go</Button>
            <Button look="primary" onClick={onKeepMine}>
              Save mine as a new entry
            </Button>
          </>
        }
      >
        <p>While you were editing, the entry was deleted. Your version is still here.</p>
      </Dialog>
    );
  }
  const other = draftOf(theirs);
  const differing = fields.filter(({ name }) => textOfField(other, name) !== textOfField(mine, name));
  return (
    <Dialog
      title="Someone else changed this entry"
      isWide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onMerge}>Merge by hand</Button>
          <Button onClick={onTakeTheirs}>Take theirs</Button>
          <Button look="primary" onClick={onKeepMine}>
            Keep mine
          </Button>
        </>
      }
    >
      <p>
        {theirs.updated_by || "Someone"} saved another version, {formatDateTime(theirs.updated_at)}. Nothing
        is lost: choose what to keep.
      </p>
      {differing.length === 0 ? (
        <p>Both versions say the same.</p>
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Both versions">
          <table className="table conflict">
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">Field</span>
                </th>
                <th scope="col">Theirs</th>
                <th scope="col">Yours</th>
              </tr>
            </thead>
            <tbody>
              {differing.map(({ name, label }) => (
                <tr key={name}>
                  <th scope="row">{label}</th>
                  <td className="plain-text">{textOfField(other, name)}</td>
                  <td>
                    <Diff before={textOfField(other, name)} after={textOfField(mine, name)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  );
}
