import { useState } from "react";
import { apiKey } from "../../api";
import { Button, Dialog, Field } from "../../ui";
import { useKeyState } from "./session";

/** Asks for the API key when the server has refused a request without one. */
export function KeyDialog() {
  const { needed, wasRejected, generation } = useKeyState();
  const [isClosed, setClosed] = useState(-1);
  if (!needed || isClosed === generation) return null;
  return <KeyForm wasRejected={wasRejected} onClose={() => setClosed(generation)} />;
}

function KeyForm({ wasRejected, onClose }: { wasRejected: boolean; onClose: () => void }) {
  const [key, setKey] = useState("");
  return (
    <Dialog title="This server asks for a key" onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== "") apiKey.set(key.trim());
        }}
      >
        <Field
          label="API key"
          error={
            wasRejected ? "The server did not accept this key. It may be mistyped, expired or revoked." : null
          }
          hint="Made with “quintet keys create”. It stays in this tab only."
        >
          {(control) => (
            <input
              {...control}
              className="input"
              type="password"
              autoComplete="off"
              placeholder="qn_…"
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" look="primary" disabled={key.trim() === ""}>
          Continue
        </Button>
      </form>
    </Dialog>
  );
}
