import { Link, Mark } from "../ui";

export function NotFoundPage() {
  return (
    <main id="main" className="center-page">
      <Mark size={40} />
      <h1>There is nothing at this address</h1>
      <p>The page may have moved, or the link is mistyped.</p>
      <Link className="button button-primary" href="/faq">
        Go to the chat
      </Link>
    </main>
  );
}
