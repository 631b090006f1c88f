// Numbers, spans and series as people read them.

const kBinary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const kDecimal = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

function digits(value) {
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

function trimmed(value, places) {
  return value.toFixed(places).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

function bytes(value) {
  let i = 0;
  while (Math.abs(value) >= 1024 && i < kBinary.length - 1) {
    value /= 1024;
    ++i;
  }
  return `${trimmed(value, i === 0 ? 0 : Math.min(1, digits(value)))} ${kBinary[i]}`;
}

function plain(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e15)) return value.toExponential(2);
  for (const [factor, letter] of kDecimal) {
    if (size >= factor * 10 || (factor > 1e3 && size >= factor)) return trimmed(value / factor, digits(value / factor)) + letter;
  }
  return trimmed(value, size < 0.1 ? 4 : digits(value));
}

/** `unit`: "percent" (0 to 100), "bytes", "bytes/s", "seconds" or nothing. */
export function number(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  switch (unit) {
    case "percent": return `${trimmed(value, Math.abs(value) >= 10 ? 0 : 1)} %`;
    case "bytes": return bytes(value);
    case "bytes/s": return `${bytes(value)}/s`;
    case "seconds": return span(value);
    default: return plain(value);
  }
}

/** Seconds as one or two units: "3 ms", "12 s", "4 min", "2 h 5 min", "3 d 4 h". */
export function span(seconds) {
  if (seconds < 1) return `${trimmed(seconds * 1000, seconds < 0.01 ? 1 : 0)} ms`;
  if (seconds < 60) return `${trimmed(seconds, seconds < 10 ? 1 : 0)} s`;
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const at = units.findIndex(([size]) => seconds >= size);
  const [size, name] = units[at];
  const rest = Math.floor((seconds % size) / (units[at + 1] || [Infinity])[0]);
  const first = `${Math.floor(seconds / size)} ${name}`;
  return rest > 0 && units[at + 1] ? `${first} ${rest} ${units[at + 1][1]}` : first;
}

/** How long ago an RFC 3339 text or a Unix time in seconds was; Go's year 1 means never. */
export function ago(time) {
  const ms = typeof time === "number" ? time * 1000 : Date.parse(time);
  if (!Number.isFinite(ms) || ms < 0) return "never";
  const seconds = Math.round((Date.now() - ms) / 1000);
  return seconds < 1 ? "just now" : `${span(seconds)} ago`;
}

/** name{a="b"} of a label object. */
export function metricText(labels) {
  const rest = Object.entries(labels).filter(([name]) => name !== "__name__").map(([n, v]) => `${n}=${JSON.stringify(v)}`);
  const name = labels.__name__ || "";
  return rest.length || !name ? `${name}{${rest.join(", ")}}` : name;
}

/** Only what tells the series apart: labels that all share are left out. */
export function seriesNames(labelSets) {
  const keys = new Set(labelSets.flatMap((labels) => Object.keys(labels)));
  const same = [...keys].filter((key) => labelSets.every((labels) => labels[key] === labelSets[0][key]));
  return labelSets.map((labels) => {
    const rest = Object.fromEntries(Object.entries(labels).filter(([key]) => labelSets.length === 1 || !same.includes(key)));
    return Object.keys(rest).length ? metricText(rest) : metricText(labels);
  });
}
