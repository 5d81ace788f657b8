import { useEffect, useRef, useState } from "react";

const kNearPx = 48;

/**
 * Keeps a scrolling list at its end while content grows, until the person scrolls up; and again once they are back
 * at the end. Give `outer` to the scrolling element and `inner` to its content.
 */
export function useStickToBottom<Outer extends HTMLElement, Inner extends HTMLElement>(
  resetKey: string | null,
) {
  const outer = useRef<Outer>(null);
  const inner = useRef<Inner>(null);
  const isStuck = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);

  // Synchronises the scroll position with the size of the content, which only the browser knows.
  useEffect(() => {
    const scroller = outer.current;
    const content = inner.current;
    if (!scroller || !content) return;
    isStuck.current = true;
    const toEnd = () => {
      if (isStuck.current) scroller.scrollTop = scroller.scrollHeight;
    };
    let lastTop = 0;
    const onScroll = () => {
      const { scrollTop } = scroller;
      const distance = scroller.scrollHeight - scrollTop - scroller.clientHeight;
      // The event arrives late: content may have grown since. Only a move upwards is the person's.
      if (distance < kNearPx) isStuck.current = true;
      else if (scrollTop < lastTop) isStuck.current = false;
      lastTop = scrollTop;
      setAtEnd(isStuck.current);
    };
    // Scrolling up by a little while text streams in must let go at once, before the next growth pulls it back.
    const onWheel = (event: WheelEvent) => {
      if (event.deltaY < 0) isStuck.current = false;
    };
    toEnd();
    const observer = new ResizeObserver(toEnd);
    observer.observe(content);
    observer.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    scroller.addEventListener("wheel", onWheel, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", onScroll);
      scroller.removeEventListener("wheel", onWheel);
    };
  }, [resetKey]);

  const jumpToEnd = () => {
    isStuck.current = true;
    setAtEnd(true);
    const scroller = outer.current;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  };

  return { outer, inner, isAtEnd, jumpToEnd };
}
