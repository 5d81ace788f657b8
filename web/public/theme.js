// Runs before the first paint, so that a chosen theme never flashes. A file, because the content security
// policy allows no inline script.
try {
  const theme = localStorage.getItem("quintet.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
