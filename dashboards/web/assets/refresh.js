// Repeats a page's loading while the page is shown and the browser's tab is visible.

/** Calls `load` now and every `everyMs`, never two at once, until `signal` fires. Returns a function that calls it now. */
export function refresh(load, everyMs, signal) {
  let timer = 0, running = false, again = false;
  async function run() {
    clearTimeout(timer);
    if (signal.aborted) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      if (!document.hidden) await load();
    } catch (error) {
      if (error.name !== "AbortError") console.error(error);
    }
    running = false;
    if (again) {
      again = false;
      run();
    } else if (!signal.aborted) {
      timer = setTimeout(run, everyMs);
    }
  }
  document.addEventListener("visibilitychange", () => !document.hidden && run(), {signal});
  signal.addEventListener("abort", () => clearTimeout(timer));
  run();
  return run;
}
