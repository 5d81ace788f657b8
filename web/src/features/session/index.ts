export { KeyDialog } from "./KeyDialog";
export { type Session, SessionProvider, useKeyState, useSession } from "./session";
