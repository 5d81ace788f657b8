const kCount = new Intl.NumberFormat();
const kTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const kDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const kDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const kDateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const formatCount = (n: number): string => kCount.format(n);

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

export const formatPercent = (share: number): string => `${Math.round(share * 100)} %`;

export function formatMs(ms: number): string {
  if (ms < 1) return "< 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

export function formatCost(usd: number): string {
  if (usd === 0) return "$0";
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(bytes < 100 * 1024 ** 3 ? 1 : 0)} GB`;
}

function parse(iso: string): Date | null {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** "14:05" today, "3 Mar" this year, "3 Mar 2024" before. */
export function formatWhen(iso: string, now = new Date()): string {
  const date = parse(iso);
  if (!date) return "";
  if (date.toDateString() === now.toDateString()) return kTime.format(date);
  return date.getFullYear() === now.getFullYear() ? kDay.format(date) : kDate.format(date);
}

export function formatDateTime(iso: string): string {
  const date = parse(iso);
  return date ? kDateTime.format(date) : "";
}

/** Days between two moments by the local calendar: 0 is the same day, 1 is yesterday. */
export function daysAgo(iso: string, now = new Date()): number {
  const date = parse(iso);
  if (!date) return 0;
  const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((midnight(now) - midnight(date)) / 86_400_000);
}
