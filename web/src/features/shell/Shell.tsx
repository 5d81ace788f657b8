// The frame around every page: the rail with the applications, the bar with the pages of one, and the dialogs that
// can be opened from anywhere.
import { type ReactNode, useState } from "react";
import {
  Dialog,
  Icon,
  IconButton,
  type IconName,
  Link,
  Mark,
  navigate,
  setTheme,
  type Theme,
  Toasts,
  useLocation,
  useShortcuts,
  useTheme,
} from "../../ui";
import { useSession } from "../session";
import { HelpDialog } from "./HelpDialog";
import { Palette } from "./Palette";
import { places, sections } from "./sections";
import "./shell.css";

/** Where the rail leads, in its order. The server says which of them exist. */
const apps: { id: string; label: string; icon: IconName; href: string }[] = [
  { id: "faq", label: "FAQ", icon: "chat", href: "/faq" },
  { id: "docs", label: "Docs", icon: "docs", href: "/docs" },
  { id: "research", label: "Research", icon: "research", href: "/research" },
  { id: "tune", label: "Tune", icon: "tune", href: "/tune" },
  { id: "code", label: "Code", icon: "code", href: "/code" },
];

function isCurrent(href: string, path: string): boolean {
  if (href === "/faq") return path === "/" || path === "/faq" || path.startsWith("/faq/c/");
  return path === href || path.startsWith(`${href}/`);
}

const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const themeIcon: Record<Theme, IconName> = { system: "screen", light: "sun", dark: "moon" };

export interface ShellProps {
  /** What stands at the left of the page; a drawer on a phone. */
  aside?: ReactNode;
  isAsideOpen: boolean;
  onAside: (open: boolean) => void;
  children: ReactNode;
}

export function Shell({ aside, isAsideOpen, onAside, children }: ShellProps) {
  const { info, kbs, kb, chooseKb } = useSession();
  const { path } = useLocation();
  const theme = useTheme();
  const [open, setOpen] = useState<"help" | "palette" | null>(null);
  const close = () => setOpen(null);
  const shown = apps.filter((app) => info.apps.some((known) => known.id === app.id));

  useShortcuts([
    { keys: "mod+k", label: "Go to a page or conversation", run: () => setOpen("palette") },
    { keys: "?", label: "Keyboard shortcuts", run: () => setOpen("help") },
    { keys: "n", label: "New chat", run: () => navigate("/faq") },
    {
      keys: "/",
      label: "Search",
      run: () => {
        const search = document.querySelector<HTMLInputElement>('input[type="search"]');
        if (!search) return false;
        search.focus();
        search.select();
        return true;
      },
    },
    { keys: "Escape", label: "Close", run: () => false },
  ]);

  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <nav className="rail" aria-label="Applications">
        <Link className="rail-mark" href="/faq" aria-label="Quintet, start">
          <Mark size={30} />
        </Link>
        <div className="rail-apps">
          {shown.map((app) => (
            <Link
              key={app.id}
              className="rail-app"
              href={app.href}
              aria-current={path === "/" || path.startsWith(app.href) ? "true" : undefined}
            >
              <Icon name={app.icon} size={21} />
              {app.label}
            </Link>
          ))}
        </div>
        {places.map((place) => (
          <Link
            key={place.href}
            className="rail-app rail-place"
            href={place.href}
            aria-current={isCurrent(place.href, path) ? "page" : undefined}
          >
            <Icon name={place.icon} size={21} />
            <span>{place.label}</span>
          </Link>
        ))}
        <IconButton
          icon={themeIcon[theme]}
          label={`Theme: ${theme}. Change to ${nextTheme[theme]}`}
          onClick={() => setTheme(nextTheme[theme])}
        />
        <IconButton icon="help" label="Keyboard shortcuts" onClick={() => setOpen("help")} />
      </nav>
      <header className="bar">
        {aside !== undefined && (
          <span className="bar-menu">
            <IconButton icon="menu" label="Conversations" onClick={() => onAside(true)} />
          </span>
        )}
        <nav className="tabs" aria-label="FAQ chatbot">
          {sections.map((section) => (
            <Link
              key={section.href}
              className="tab"
              href={section.href}
              aria-current={isCurrent(section.href, path) ? "page" : undefined}
            >
              <Icon name={section.icon} size={18} />
              <span>{section.label}</span>
            </Link>
          ))}
        </nav>
        <div className="bar-end">
          {kbs !== null && kbs.length > 0 && !places.some((place) => isCurrent(place.href, path)) && (
            <select
              className="select bar-kb"
              aria-label="Knowledge base"
              value={kb?.name ?? ""}
              onChange={(event) => {
                chooseKb(event.target.value);
                // Pages inside one knowledge base show another by its address.
                if (path.startsWith("/faq/knowledge/")) {
                  navigate(`/faq/knowledge/${encodeURIComponent(event.target.value)}`);
                } else if (path.startsWith("/faq/c/")) {
                  navigate("/faq");
                }
              }}
            >
              {kbs.map((item) => (
                <option key={item.name} value={item.name}>
                  {item.title || item.name}
                </option>
              ))}
            </select>
          )}
          <IconButton icon="search" label="Go to (Ctrl+K)" onClick={() => setOpen("palette")} />
        </div>
      </header>
      {aside !== undefined && <aside className="shell-aside">{aside}</aside>}
      <main id="main" className={aside === undefined ? "shell-main is-wide" : "shell-main"} tabIndex={-1}>
        {children}
      </main>
      {aside !== undefined && isAsideOpen && (
        <Dialog title="Conversations" placement="left" onClose={() => onAside(false)}>
          {aside}
        </Dialog>
      )}
      {open === "help" && <HelpDialog onClose={close} version={info.version} />}
      {open === "palette" && <Palette onClose={close} />}
      <Toasts />
    </div>
  );
}
