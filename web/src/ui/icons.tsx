// 20×20 line icons, drawn for this project. Decorative: the control that holds one has the name.

const paths = {
  chat: "M4 4.5h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H9l-3.5 3v-3H4a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1Z",
  book: "M4 4.2c2.3-.6 4.3-.3 6 .9v11c-1.7-1.2-3.7-1.5-6-.9v-11Zm12 0c-2.3-.6-4.3-.3-6 .9v11c1.7-1.2 3.7-1.5 6-.9v-11Z",
  inbox: "M3.5 11 5.5 4.5h9L16.5 11v4.5h-13V11Zm0 0H7l1 2h4l1-2h3.5",
  chart: "M4 16V9m4 7V4m4 12v-5m4 5V7",
  code: "m7 6-4 4 4 4m6-8 4 4-4 4",
  plus: "M10 4v12M4 10h12",
  search: "M9 14.5A5.5 5.5 0 1 0 9 3.5a5.5 5.5 0 0 0 0 11Zm4-1.5 3.5 3.5",
  menu: "M3.5 5.5h13M3.5 10h13M3.5 14.5h13",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  close: "m5 5 10 10M15 5 5 15",
  send: "M10 16V4m0 0L5 9m5-5 5 5",
  stop: "M6 6h8v8H6z",
  copy: "M7 7V4h9v9h-3M4 7h9v9H4z",
  check: "m4 10.5 4 4 8-9",
  up: "M6.5 9v7.5H3.5V9h3Zm0 0 3-6c1.2 0 2 .8 2 2v2.5h4a1.2 1.2 0 0 1 1.2 1.5l-1.300 6a1.5 1.5 0 0 1-1.5 1.2H6.5",
  down: "M13.5 11V3.5h3V11h-3Zm0 0-3 6c-1.2 0-2-.8-2-2v-2.5h-4A1.2 1.2 0 0 1 3.300 11l1.300-6a1.5 1.5 0 0 1 1.5-1.2h7.400",
  retry: "M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4",
  info: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm0-8v4.5M10 6.5h.01",
  edit: "m4 13.5-.5 3 3-.5L16 6.5 13.5 4 4 13.5Z",
  trash: "M4 6h12M8 6V4h4v2m-6.5 0 .7 10h7.600l.7-10",
  download: "M10 3.5v9m0 0 3.5-3.5M10 12.5 6.5 9M4 16.5h12",
  upload: "M10 13V4m0 0 3.5 3.5M10 4 6.5 7.5M4 16.5h12",
  history: "M4 10a6 6 0 1 0 2-4.5L4 7.5M4 4v3.5h3.5M10 7v3.5l2.5 1.5",
  warning: "M10 3.5 17.5 16.5h-15L10 3.5Zm0 5v3.5m0 2h.01",
  help: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm-2-8.5c0-1.2.9-2 2-2s2 .8 2 1.900c0 1.5-2 1.600-2 3.100m0 2h.01",
  sun: "M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm0-10.5v1.5m0 12v1.5m7.5-7.5H16M4 10H2.5m12.800-5.300-1 1M5.700 14.300l-1 1m10.600 0-1-1M5.700 5.700l-1-1",
  moon: "M16 11.5A6.5 6.5 0 1 1 8.5 4a5 5 0 0 0 7.5 7.5Z",
  screen: "M3 4.5h14v9H3zM7.5 16.5h5",
  key: "M12.5 11.5a4 4 0 1 0-3.900-3L3.5 13.5v3h3v-2h2v-2l1-1a4 4 0 0 0 3 0Zm1-4h.01",
  chevron: "m7 4.5 5.5 5.5L7 15.5",
  back: "M16 10H4m0 0 5-5m-5 5 5 5",
  link: "M8.5 11.5a3 3 0 0 0 4.300 0l2.900-2.900a3 3 0 0 0-4.300-4.300l-1 1m1.100 3.2a3 3 0 0 0-4.300 0l-2.900 2.900a3 3 0 0 0 4.300 4.300l1-1",
  chip: "M6.5 6.5h7v7h-7zM8.5 3.5v3m3-3v3m-3 7v3m3-3v3M3.5 8.5h3m-3 3h3m7-3h3m-3 3h3",
  docs: "M5 3.5h6.5L15 7v9.5H5v-13Zm6.5 0V7H15M7.5 10h5m-5 3h5",
  research: "M9 14.5A5.5 5.5 0 1 0 9 3.5a5.5 5.5 0 0 0 0 11Zm4-1.5 3.5 3.5M9 6.5v5M6.5 9h5",
  tune: "M4 6h7m3 0h2M4 14h2m3 0h7M12.5 4v4M7.5 12v4",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}

/** Five strokes, one of them sounding. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M5 13v6M10.5 9v14M21.5 10v12M27 13.5v5" />
      <path className="mark-lead" d="M16 5v22" />
    </svg>
  );
}
