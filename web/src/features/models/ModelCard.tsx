import { useState } from "react";
import { api, type EngineSettings, type LocalModel } from "../../api";
import {
  Button,
  ConfirmDialog,
  Dialog,
  ErrorNote,
  Field,
  formatBytes,
  formatCount,
  Menu,
  plural,
} from "../../ui";
import { describeModel, stateNames } from "./text";

export interface ModelCardProps {
  model: LocalModel;
  /** Does it and looks again; shows what goes wrong. */
  act: (what: () => Promise<unknown>) => Promise<void>;
}

export function ModelCard({ model, act }: ModelCardProps) {
  const [open, setOpen] = useState<"settings" | "delete" | null>(null);
  const close = () => setOpen(null);
  const isIdle = model.state === "not_loaded" || model.state === "failed";
  const items = [
    ...(isIdle && model.can_chat
      ? [{ label: "Load with settings …", icon: "tune" as const, run: () => setOpen("settings") }]
      : []),
    ...(model.can_chat && !model.is_default
      ? [
          {
            label: "Let it answer by default",
            icon: "check" as const,
            run: () => void act(() => api.setDefaultModel(model.id)),
          },
        ]
      : []),
    ...(isIdle && model.can_delete
      ? [
          {
            label: "Delete from disk …",
            icon: "trash" as const,
            isDanger: true,
            run: () => setOpen("delete"),
          },
        ]
      : []),
  ];
  return (
    <li className="card model-card" aria-label={model.name}>
      <div className="model-head">
        <div className="model-title">
          <div>
            <h2>{model.name}</h2>
            {model.is_default && <span className="badge">Answers by default</span>}
            {(model.can_chat || !isIdle) && <StateBadge model={model} />}
          </div>
          <p className="soft">{describeModel(model)}</p>
        </div>
        <div className="model-actions">
          {isIdle && model.can_chat && (
            <Button
              aria-label={`${model.state === "failed" ? "Try again to load" : "Load"} ${model.name}`}
              onClick={() => void act(() => api.loadModel(model.id))}
            >
              {model.state === "failed" ? "Try again" : "Load"}
            </Button>
          )}
          {(model.state === "loaded" || model.state === "loading") && (
            <Button
              aria-label={`${model.state === "loading" ? "Cancel loading" : "Unload"} ${model.name}`}
              onClick={() => void act(() => api.unloadModel(model.id))}
            >
              {model.state === "loading" ? "Cancel" : "Unload"}
            </Button>
          )}
          {items.length > 0 && <Menu label={`More for ${model.name}`} items={items} />}
        </div>
      </div>
      {model.problem !== null && <p className="note note-warm model-note">{model.problem}</p>}
      {model.state === "failed" && model.error !== null && <ErrorNote error={new Error(model.error)} />}
      {model.problem === null && !model.can_chat && (
        <p className="soft">This model does not write text; it cannot answer questions.</p>
      )}
      {model.engine !== null && <Figures model={model} engine={model.engine} />}
      {model.state === "unloading" && model.n_answers > 0 && (
        <p className="soft">
          {plural(model.n_answers, "answer")} being written; the memory is free when{" "}
          {model.n_answers === 1 ? "it has" : "they have"} ended.
        </p>
      )}
      {open === "settings" && (
        <SettingsDialog
          model={model}
          onClose={close}
          onLoad={(settings) => {
            close();
            void act(() => api.loadModel(model.id, settings));
          }}
        />
      )}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete ${model.name}?`}
          action="Delete from disk"
          onConfirm={async () => {
            await api.deleteModel(model.id);
            await act(() => Promise.resolve());
          }}
          onClose={close}
        >
          <p>
            {formatBytes(model.size_bytes)} of files are deleted. This cannot be undone
            {model.source !== null && `, but ${model.source} can be downloaded again`}.
          </p>
          <p className="model-path">{model.path}</p>
        </ConfirmDialog>
      )}
    </li>
  );
}

function StateBadge({ model }: { model: LocalModel }) {
  const isBusy = model.state === "loading" || model.state === "unloading";
  const look = model.state === "loaded" ? " badge-ok" : model.state === "failed" ? " badge-warm" : "";
  return (
    <span role="status" className={`badge${look} model-state`}>
      {isBusy && <span className="spinner" />}
      {stateNames[model.state]}
    </span>
  );
}

function Figures({ model, engine }: { model: LocalModel; engine: NonNullable<LocalModel["engine"]> }) {
  const share = engine.kv_tokens_total > 0 ? engine.kv_tokens_used / engine.kv_tokens_total : 0;
  const rows: [string, string][] = [
    ["Memory", formatBytes(engine.memory_bytes)],
    ["Context", `${formatCount(engine.context)} tokens`],
    ["Answers at once", `${formatCount(engine.n_running)} of ${formatCount(engine.parallel)}`],
    ["Waiting", formatCount(engine.n_waiting)],
    ["Written so far", plural(model.n_generated, "token")],
    ["Computes with", `${plural(engine.threads, "thread")}, ${engine.isa}`],
  ];
  return (
    <div className="model-figures">
      <div className="model-speed">
        <strong>{engine.tokens_per_s.toFixed(engine.tokens_per_s < 100 ? 1 : 0)}</strong>
        <span>tokens/s</span>
      </div>
      <dl>
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="model-cache">
        <span id={`cache-${model.id}`}>
          Cache {formatCount(engine.kv_tokens_used)} of {formatCount(engine.kv_tokens_total)} tokens
        </span>
        <meter min={0} max={1} value={share} aria-labelledby={`cache-${model.id}`} />
      </div>
    </div>
  );
}

const settings: { name: keyof EngineSettings; label: string; hint: string; max: number }[] = [
  {
    name: "context",
    label: "Context",
    hint: "Tokens of one question, what it is answered from, and the answer. Empty: what the model was trained for, at most 8,192.",
    max: 4_194_304,
  },
  {
    name: "parallel",
    label: "Answers at once",
    hint: "More wait. Each reserves a context in memory. Empty: as configured.",
    max: 256,
  },
  { name: "threads", label: "Threads", hint: "Empty: one for each processor.", max: 1024 },
];

function SettingsDialog({
  model,
  onClose,
  onLoad,
}: {
  model: LocalModel;
  onClose: () => void;
  onLoad: (settings: EngineSettings) => void;
}) {
  const [texts, setTexts] = useState<Record<keyof EngineSettings, string>>(() => ({
    context: String(model.options.context || ""),
    threads: String(model.options.threads || ""),
    parallel: String(model.options.parallel || ""),
  }));
  return (
    <Dialog title={`Load ${model.name}`} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onLoad({
            context: Number(texts.context),
            threads: Number(texts.threads),
            parallel: Number(texts.parallel),
          });
        }}
      >
        {settings.map(({ name, label, hint, max }) => (
          <Field key={name} label={label} hint={hint}>
            {(control) => (
              <input
                {...control}
                className="input"
                type="number"
                min={1}
                max={max}
                step={1}
                value={texts[name]}
                onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
              />
            )}
          </Field>
        ))}
        <div className="form-actions">
          <Button type="submit" look="primary">
            Load
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
