import { useState } from "react";
import { api, type ModelDownload } from "../../api";
import { Button, Dialog, ErrorNote, Field, IconButton } from "../../ui";
import { describeDownload } from "./text";

/** Running ones, and those that ended until they are dismissed. */
export function Downloads({
  downloads,
  act,
}: {
  downloads: readonly ModelDownload[];
  act: (what: () => Promise<unknown>) => Promise<void>;
}) {
  return (
    <section className="card model-downloads" aria-labelledby="downloads-title">
      <h2 id="downloads-title">Downloads</h2>
      <ul>
        {downloads.map((download) => (
          <li key={download.id} className="model-download">
            <div className="model-download-head">
              <strong>{download.source}</strong>
              {download.state === "running" ? (
                <Button onClick={() => void act(() => api.stopModelDownload(download.id))}>Cancel</Button>
              ) : (
                <>
                  {download.state !== "done" && (
                    <Button
                      icon="retry"
                      onClick={() => void act(() => api.startModelDownload(download.source))}
                    >
                      {download.state === "failed" ? "Try again" : "Go on"}
                    </Button>
                  )}
                  <IconButton
                    icon="close"
                    label={`Dismiss the download of ${download.source}`}
                    onClick={() => void act(() => api.stopModelDownload(download.id))}
                  />
                </>
              )}
            </div>
            {download.state === "running" && (
              <progress
                aria-label={`Download of ${download.source}`}
                max={1}
                {...(download.total_bytes !== null &&
                  download.total_bytes > 0 && { value: download.bytes / download.total_bytes })}
              />
            )}
            <p className="soft" role={download.state === "running" ? undefined : "status"}>
              {describeDownload(download)}
            </p>
            {download.error !== null && <ErrorNote error={new Error(download.error)} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function DownloadDialog({ onClose, onStarted }: { onClose: () => void; onStarted: () => void }) {
  const [source, setSource] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const start = async () => {
    setBusy(true);
    setError(null);
    try {
      await api.startModelDownload(source.trim());
      onStarted();
      onClose();
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };

  return (
    <Dialog title="Download a model" onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Field
          label="Model"
          hint={
            <>
              A repository of the Hugging Face hub, such as <code>hf:owner/repo</code> or{" "}
              <code>hf:owner/repo:q4_k_m</code>, or the address of a .gguf file. A download that was cut off
              goes on where it stopped.
            </>
          }
        >
          {(control) => (
            <input
              {...control}
              className="input"
              autoComplete="off"
              spellCheck={false}
              placeholder="hf:owner/repo"
              value={source}
              onChange={(event) => setSource(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNote error={error} />}
        <div className="form-actions">
          <Button type="submit" look="primary" isBusy={isBusy} disabled={source.trim() === ""}>
            Download
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
