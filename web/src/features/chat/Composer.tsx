import { type KeyboardEvent, type Ref, useEffect, useState } from "react";
import type { Model } from "../../api";
import { formatBytes, Icon, recall, remember } from "../../ui";

export interface ComposerProps {
  /** Under which the draft is kept until it is sent. */
  draftKey: string;
  placeholder: string;
  maxBytes: number;
  isAnswering: boolean;
  isDisabled?: boolean | undefined;
  models: readonly Model[];
  model: string;
  onModel: (id: string) => void;
  onSend: (text: string) => void;
  onStop: () => void;
  /** The last question, for the arrow-up key. */
  lastQuestion: string | null;
  /** Text to start with instead of the draft, e.g. a question that could not be sent. */
  restored?: string | undefined;
  textRef?: Ref<HTMLTextAreaElement> | undefined;
}

const kDraftDelayMs = 300;
const kMaxDraftChars = 200_000;
const kShowSizeFrom = 0.8;

/** Counting every byte of a long text on every key would be felt; its length already decides. */
function byteLength(text: string, limit: number): number {
  return text.length > limit ? text.length : new TextEncoder().encode(text).length;
}

export function Composer(props: ComposerProps) {
  const { draftKey, maxBytes, isAnswering, models, onSend, onStop, textRef } = props;
  const [text, setText] = useState(() => props.restored || recall("session", draftKey) || "");
  const bytes = byteLength(text, maxBytes);
  const isTooLong = bytes > maxBytes;
  const canSend = text.trim() !== "" && !isTooLong && !isAnswering && !props.isDisabled;

  // Synchronises the draft with sessionStorage, a moment after the last key.
  useEffect(() => {
    const timer = setTimeout(
      () => remember("session", draftKey, text.length > kMaxDraftChars ? null : text),
      kDraftDelayMs,
    );
    return () => clearTimeout(timer);
  }, [draftKey, text]);

  const send = () => {
    if (!canSend) return;
    remember("session", draftKey, null);
    setText("");
    onSend(text);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "" && props.lastQuestion !== null) {
      event.preventDefault();
      setText(props.lastQuestion);
    }
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className={isTooLong ? "composer-box is-invalid" : "composer-box"}>
        <textarea
          ref={textRef}
          className="composer-text"
          aria-label="Your question"
          aria-describedby={isTooLong ? "composer-size" : undefined}
          aria-invalid={isTooLong || undefined}
          placeholder={props.placeholder}
          rows={1}
          value={text}
          disabled={props.isDisabled}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="composer-row">
          {models.length > 1 && (
            <select
              className="composer-model"
              aria-label="Model"
              value={props.model}
              onChange={(event) => props.onModel(event.target.value)}
            >
              {models.map((model) => (
                <option key={model.id} value={model.id}>
                  {model.model || model.id}
                </option>
              ))}
            </select>
          )}
          {bytes > maxBytes * kShowSizeFrom && (
            <span
              id="composer-size"
              className={isTooLong ? "composer-size is-invalid" : "composer-size"}
              role="status"
            >
              {formatBytes(bytes)} of {formatBytes(maxBytes)}
              {isTooLong && " — too long to send"}
            </span>
          )}
          {isAnswering ? (
            <button
              type="button"
              className="composer-send"
              aria-label="Stop"
              title="Stop (Esc)"
              onClick={onStop}
            >
              <Icon name="stop" size={18} />
            </button>
          ) : (
            <button
              type="submit"
              className="composer-send"
              aria-label="Send"
              title="Send (Enter)"
              disabled={!canSend}
            >
              <Icon name="send" size={18} />
            </button>
          )}
        </div>
      </div>
    </form>
  );
}
