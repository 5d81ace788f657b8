import { type ReactNode, useRef, useState } from "react";
import { api, ApiError, decodeImportReport, type ImportReport } from "../../api";
import {
  Button,
  Dialog,
  ErrorNote,
  formatBytes,
  formatCount,
  Icon,
  plural,
  showToast,
  useResource,
} from "../../ui";

const kAccepted = ".json,.jsonl,.ndjson,.csv,.tsv,.md,.markdown,.txt,.html,.htm";
const kShownProblems = 50;

export function FileField({ onFile, children }: { onFile: (file: File) => void; children?: ReactNode }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="file-field">
      <Icon name="upload" size={24} />
      <p>{children ?? "Drop a file here: JSON, JSONL, CSV, Markdown, text or HTML."}</p>
      <Button onClick={() => input.current?.click()}>Choose a file</Button>
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-label="File to import"
        accept={kAccepted}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) onFile(file);
        }}
      />
    </div>
  );
}

export interface ImportDialogProps {
  kb: string;
  file: File | null;
  maxBytes: number;
  onFile: (file: File) => void;
  onDone: () => void;
  onClose: () => void;
}

/** Reads a file without changing anything, says what it would do, then does it. */
export function ImportDialog({ kb, file, maxBytes, onFile, onDone, onClose }: ImportDialogProps) {
  const [mode, setMode] = useState<"merge" | "replace">("merge");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isTooLarge = file !== null && file.size > maxBytes;
  const preview = useResource(
    file === null || isTooLarge ? null : `${file.name} ${file.size} ${file.lastModified}`,
    async (signal) => {
      if (!file) throw new Error("no file");
      try {
        return await api.importFile(kb, file, { mode: "preview", skipBad: false }, signal);
      } catch (reason) {
        // The report of a file that cannot be taken as it is.
        if (reason instanceof ApiError && reason.status === 422 && reason.problem["report"]) {
          return decodeImportReport(reason.problem["report"], "report");
        }
        throw reason;
      }
    },
  );
  const report = preview.value;
  const nErrors = report?.problems.filter((problem) => problem.severity === "error").length ?? 0;
  const nValid = report ? report.n_read : 0;

  const commit = async () => {
    if (!file) return;
    setBusy(true);
    setError(null);
    try {
      const done = await api.importFile(kb, file, { mode, skipBad: nErrors > 0 });
      showToast(
        `Imported ${plural(done.n_new, "new entry", "new entries")}, changed ${formatCount(done.n_changed)}`,
      );
      onDone();
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };

  return (
    <Dialog
      title="Import entries"
      isWide
      onClose={onClose}
      footer={
        report && (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button look="primary" isBusy={isBusy} disabled={nValid === 0} onClick={() => void commit()}>
              {nErrors > 0
                ? `Import the ${formatCount(nValid)} valid ones`
                : `Import ${plural(nValid, "entry", "entries")}`}
            </Button>
          </>
        )
      }
    >
      {file === null ? (
        <FileField onFile={onFile} />
      ) : (
        <p className="import-file">
          <Icon name="docs" size={18} /> <strong>{file.name}</strong> {formatBytes(file.size)}
          {report && ` · read as ${report.format}`}
        </p>
      )}
      {isTooLarge && (
        <ErrorNote
          error={new Error(`This file is larger than the ${formatBytes(maxBytes)} the server takes.`)}
        />
      )}
      {preview.error !== null && <ErrorNote error={preview.error} onRetry={preview.reload} />}
      {preview.isLoading && file && !isTooLarge && (
        <div className="import-progress" role="status">
          <span className="spinner" /> Reading {formatBytes(file.size)} …
        </div>
      )}
      {report && <Report report={report} />}
      {report && nValid > 0 && (
        <fieldset className="alternatives">
          <legend className="field-label">Entries that are already here</legend>
          <label className="check">
            <input type="radio" name="mode" checked={mode === "merge"} onChange={() => setMode("merge")} />
            <span>Keep them; entries with the same question are changed</span>
          </label>
          <label className="check">
            <input
              type="radio"
              name="mode"
              checked={mode === "replace"}
              onChange={() => setMode("replace")}
            />
            <span>Replace everything with this file (the history can undo it)</span>
          </label>
        </fieldset>
      )}
      {isBusy && (
        <div className="import-progress" role="status">
          <span className="spinner" /> Importing {plural(nValid, "entry", "entries")} …
        </div>
      )}
      {error !== null && <ErrorNote error={error} />}
    </Dialog>
  );
}

function Report({ report }: { report: ImportReport }) {
  const counts: [number, string][] = [
    [report.n_new, "new"],
    [report.n_changed, "changed"],
    [report.n_unchanged, "unchanged"],
    [report.n_duplicates, "duplicate"],
  ];
  const { problems } = report;
  return (
    <>
      <ul className="import-counts" aria-label="What the import would do">
        {counts.map(([n, label]) => (
          <li key={label}>
            <strong>{formatCount(n)}</strong> {label}
          </li>
        ))}
      </ul>
      {problems.length > 0 && (
        <section className="import-problems" aria-label="Problems">
          <h3>{plural(problems.length, "problem")} in the file</h3>
          <ul tabIndex={0}>
            {problems.slice(0, kShownProblems).map((problem, i) => (
              <li key={i} className={`is-${problem.severity}`}>
                <span className="import-place">
                  line {problem.line}, column {problem.column}
                </span>
                {problem.message}
              </li>
            ))}
          </ul>
          {problems.length > kShownProblems && (
            <p className="soft">and {problems.length - kShownProblems} more</p>
          )}
        </section>
      )}
      {report.sample.length > 0 && (
        <section>
          <h3>The first entries</h3>
          <ul className="import-sample">
            {report.sample.map((sample, i) => (
              <li key={i}>
                <strong>{sample.question}</strong>
                <span>{sample.answer.slice(0, 160)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
