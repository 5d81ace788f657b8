import { useState } from "react";
import { api, describeError, type LocalModel, type LocalModels } from "../../api";
import { Button, Empty, ErrorNote, formatBytes, Loading, showErrorToast } from "../../ui";
import { useSession } from "../session";
import { DownloadDialog, Downloads } from "./Downloads";
import { ModelCard } from "./ModelCard";
import "./models.css";
import { useModels } from "./useModels";

export function ModelsView() {
  const { reloadInfo } = useSession();
  const { value, error, refresh } = useModels();
  const [isDownloading, setDownloading] = useState(false);

  const act = async (what: () => Promise<unknown>) => {
    try {
      await what();
    } catch (reason) {
      showErrorToast(describeError(reason));
    }
    refresh();
    reloadInfo();
  };

  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Models</h1>
          <p>Model files on this machine. They answer without any other program.</p>
        </div>
        <Button look="primary" icon="download" onClick={() => setDownloading(true)}>
          Download a model
        </Button>
      </header>
      {error !== null && <ErrorNote error={error} onRetry={refresh} />}
      {value === null && error === null && <Loading label="Loading the models" />}
      {value && (
        <>
          <Overview value={value} act={act} />
          {value.downloads.length > 0 && <Downloads downloads={value.downloads} act={act} />}
          {value.models.length === 0 ? (
            <NoModels folder={value.folder} />
          ) : (
            <ul className="model-list">
              {value.models.toSorted(byUse).map((model) => (
                <ModelCard key={model.id} model={model} act={act} />
              ))}
            </ul>
          )}
        </>
      )}
      {isDownloading && <DownloadDialog onClose={() => setDownloading(false)} onStarted={refresh} />}
    </div>
  );
}

/** What is in memory first, then what can be, then the rest; each by name. */
function byUse(a: LocalModel, b: LocalModel): number {
  const rank = (model: LocalModel) => (model.engine !== null ? 0 : model.can_chat ? 1 : 2);
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}

function Overview({
  value,
  act,
}: {
  value: LocalModels;
  act: (what: () => Promise<unknown>) => Promise<void>;
}) {
  const loaded = value.models.filter((model) => model.engine !== null);
  const used = loaded.reduce((sum, model) => sum + (model.engine?.memory_bytes ?? 0), 0);
  const speed = loaded.reduce((sum, model) => sum + (model.engine?.tokens_per_s ?? 0), 0);
  const tiles: [string, string][] = [
    ["Loaded", `${loaded.length} of ${value.models.length}`],
    ["Memory of models", formatBytes(used)],
    ...(value.free_memory_bytes > 0
      ? ([["Free memory", formatBytes(value.free_memory_bytes)]] satisfies [string, string][])
      : []),
    ["Tokens/s", speed.toFixed(speed < 100 ? 1 : 0)],
  ];
  return (
    <>
      <section className="card model-default">
        <label htmlFor="default-model">Who answers when a chat names no model</label>
        <select
          id="default-model"
          className="select"
          value={value.default}
          onChange={(event) => {
            const id = event.target.value;
            void act(() => api.setDefaultModel(id));
          }}
        >
          {value.choices.map((choice) => (
            <option key={choice.id} value={choice.id}>
              {choice.provider === choice.model
                ? choice.model
                : `${choice.model} (${providerOf(choice.provider)})`}
            </option>
          ))}
        </select>
      </section>
      {value.models.length > 0 && (
        <dl className="model-tiles">
          {tiles.map(([label, text]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

const providerOf = (provider: string): string => (provider === "engine" ? "this machine" : provider);

function NoModels({ folder }: { folder: string }) {
  return (
    <Empty icon="chip" title="No model on this machine yet">
      <p>Download one above, or in a terminal:</p>
      <pre className="model-command" tabIndex={0} aria-label="Command">
        quintet models pull hf:owner/repo
      </pre>
      <p>
        GGUF files and Hugging Face folders also work when you put them into <code>{folder}</code>.
      </p>
    </Empty>
  );
}
