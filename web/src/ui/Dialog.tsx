import { type ReactNode, useEffect, useEffectEvent, useId, useRef, useState } from "react";
import { Button, IconButton } from "./Button";
import { ErrorNote } from "./states";

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  /** "side" is a panel at the right edge (the bottom on a phone), "left" one at the left edge. */
  placement?: "center" | "side" | "left" | "top" | undefined;
  isWide?: boolean | undefined;
  hidesTitle?: boolean | undefined;
}

const kFirstField =
  '.dialog-body :is(input, textarea, select):not([tabindex="-1"], [type="radio"], [type="checkbox"])';

/** A modal <dialog>: the browser keeps the focus inside, and closes it on Escape. Rendered means open. */
export function Dialog({
  title,
  onClose,
  children,
  footer,
  placement = "center",
  isWide,
  hidesTitle,
}: DialogProps) {
  const startsInField = placement === "center" || placement === "top";
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const restore = useEffectEvent((previous: Element | null) => {
    if (previous instanceof HTMLElement && previous.isConnected) previous.focus();
  });

  // Synchronises with the browser's stack of modal dialogs and its focus.
  useEffect(() => {
    const element = dialog.current;
    const previous = document.activeElement;
    if (element && !element.open) {
      element.showModal();
      // A dialog that asks for something starts in its first field, not at the button that closes it.
      if (startsInField) element.querySelector<HTMLElement>(kFirstField)?.focus();
    }
    return () => {
      element?.close();
      restore(previous);
    };
  }, [startsInField]);

  return (
    <dialog
      ref={dialog}
      className={`dialog dialog-${placement}${isWide ? " dialog-wide" : ""}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === event.currentTarget) onClose(); // the backdrop
      }}
    >
      <div className="dialog-box">
        <header className={hidesTitle ? "visually-hidden" : "dialog-head"}>
          <h2 id={titleId}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        <div className="dialog-body">{children}</div>
        {footer && <footer className="dialog-foot">{footer}</footer>}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  title: string;
  children?: ReactNode;
  action: string;
  /** Rejects to show what went wrong and stay open. */
  onConfirm: () => Promise<void> | void;
  onClose: () => void;
  /** Must be typed before the action is possible. */
  mustType?: string | undefined;
}

export function ConfirmDialog({ title, children, action, onConfirm, onClose, mustType }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isReady = mustType === undefined || typed === mustType;

  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" disabled={!isReady} isBusy={isBusy} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {mustType !== undefined && (
        <label className="field">
          <span className="field-label">
            Type <code>{mustType}</code> to confirm
          </span>
          <input
            className="input"
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && isReady) void confirm();
            }}
          />
        </label>
      )}
      {error !== null && <ErrorNote error={error} />}
    </Dialog>
  );
}
