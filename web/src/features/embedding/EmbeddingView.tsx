import { useState } from "react";
import type { Kb } from "../../api";
import { Button, copyText, Field, showToast } from "../../ui";
import { useSession } from "../session";
import "./embedding.css";
import { snippetOf } from "./snippet";

const kDefaultColor = "#0d5660";

export function EmbeddingView({ kb }: { kb: Kb }) {
  const { info } = useSession();
  const [title, setTitle] = useState("");
  const [color, setColor] = useState(kDefaultColor);
  const origins = info.widget.allowed_origins;
  const snippet = snippetOf({
    origin: window.location.origin,
    kb: kb.name,
    title: title.trim(),
    color: color === kDefaultColor ? "" : color,
  });
  const params = new URLSearchParams({
    kb: kb.name,
    color,
    ...(title.trim() !== "" && { title: title.trim() }),
  });

  const copy = async () => {
    showToast((await copyText(snippet)) ? "Copied" : "Select the line and copy it by hand");
  };

  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Widget</h1>
          <p>Puts a chat button for {kb.title || kb.name} on any website.</p>
        </div>
      </header>
      <div className="embedding">
        <div className="embedding-steps">
          <section className="card embedding-card" aria-labelledby="snippet-title">
            <h2 id="snippet-title">1. Copy this line into the site’s HTML</h2>
            <pre className="snippet" tabIndex={0} aria-label="Widget script">
              {snippet}
            </pre>
            <div className="form-actions">
              <Button look="primary" icon="copy" onClick={() => void copy()}>
                Copy the line
              </Button>
            </div>
            <div className="embedding-options">
              <Field label="Title" isOptional>
                {(control) => (
                  <input
                    {...control}
                    className="input"
                    maxLength={60}
                    placeholder={kb.title || kb.name}
                    value={title}
                    onChange={(event) => setTitle(event.target.value)}
                  />
                )}
              </Field>
              <Field label="Colour">
                {(control) => (
                  <input
                    {...control}
                    className="input embedding-color"
                    type="color"
                    value={color}
                    onChange={(event) => setColor(event.target.value)}
                  />
                )}
              </Field>
            </div>
          </section>
          <section className="card embedding-card" aria-labelledby="origins-title">
            <h2 id="origins-title">2. Allow the site</h2>
            <p>
              Browsers show the widget only on sites that are listed in <code>quintet.toml</code>; restart
              Quintet after a change.
            </p>
            <pre className="snippet" tabIndex={0} aria-label="Configuration">
              {`[serve]\nallowed_origins = [${(origins.length > 0 ? origins : ["https://www.example.com"]).map((origin) => JSON.stringify(origin)).join(", ")}]`}
            </pre>
            {origins.length === 0 ? (
              <p className="note note-warm">
                No site is allowed yet, so the widget appears nowhere but here.
              </p>
            ) : (
              <ul className="embedding-origins" aria-label="Allowed sites">
                {origins.map((origin) => (
                  <li key={origin}>
                    <code>{origin}</code>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
        <section className="card embedding-card" aria-labelledby="preview-title">
          <h2 id="preview-title">Preview</h2>
          <iframe
            key={params.toString()}
            className="embedding-frame"
            title="Widget preview"
            src={`/widget?${params.toString()}`}
            loading="lazy"
          />
        </section>
      </div>
    </div>
  );
}
