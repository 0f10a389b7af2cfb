// Numbers as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 1234567 → "1.2 MB" */
export function bytes(n) {
  let size = Math.abs(n), unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  const digits = unit > 0 && size < 9.95 ? 1 : 0;
  return `${n < 0 ? "−" : ""}${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** Seconds, as precise as is useful: "0.4 s", "42 s", "3 min", "1 h 20 min" */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(seconds < 0.05 ? 0 : 1)} s`;
  if (seconds < 99.5) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 && minutes < 600 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 60)} h`;
}

/** Whole per cent that say 0 and 100 only where it is exact. */
export function percent(share) {
  const whole = Math.round(share * 100);
  return `${share > 0 && share < 1 ? Math.min(99, Math.max(1, whole)) : whole} %`;
}

/** What a frame needs of the time it has: 1.4 → "1.4 ×" */
export const factor = n => `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ×`;

export const ms = n => (n < 9.95 ? `${n.toFixed(1)} ms` : n < 9950 ? `${Math.round(n)} ms` : duration(n / 1000));

export const count = n => n.toLocaleString("en");

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** "24000/1001" → 23.976… */
export function fraction(rate) {
  const [over, under = 1] = rate.split("/").map(Number);
  return over / under;
}

export const fps = rate => String(Math.round(fraction(rate) * 1000) / 1000);

export const rateOf = n => (n < 9.95 ? n.toFixed(1) : String(Math.round(n)));

/** Seconds since the epoch → "14:03:21" */
export const clock = at => new Date(at * 1000).toLocaleTimeString("en-GB");

/** The last part of a path, of either kind of system. */
export const fileName = path => path.split(/[/\\]/).at(-1) || path;

/** The name of the folder that a file is in. */
export const folderName = path => path.split(/[/\\]/).at(-2) || path;

/**
 * A function of a frame of the timeline to its timecode. `known` is one frame and its label, as the service says it; a
 * semicolon means drop-frame (SMPTE 12M): of 29.97 or 59.94, the first labels of each minute but the tenth are left out.
 */
export function timecodes(rate, known) {
  const base = Math.round(fraction(rate)) || 1;
  const drops = known.timecode.includes(";") ? Math.round(base / 15) : 0;
  const zero = number(known.timecode) - known.frame;

  function number(label) {
    const [hours, minutes, seconds, frames] = label.split(/[:;.]/).map(Number);
    const inMinutes = hours * 60 + minutes;
    return (inMinutes * 60 + seconds) * base + frames - drops * (inMinutes - Math.floor(inMinutes / 10));
  }

  return frame => {
    let n = Math.round(frame) + zero;
    const day = 24 * 3600 * base - drops * (24 * 60 - 144);
    n = ((n % day) + day) % day;
    if (drops) {
      const perTen = 600 * base - 9 * drops, perMinute = 60 * base - drops;
      const tens = Math.floor(n / perTen), left = n % perTen;
      n += 9 * drops * tens + (left >= 60 * base ? drops * (1 + Math.floor((left - 60 * base) / perMinute)) : 0);
    }
    const parts = [n / (3600 * base), (n / (60 * base)) % 60, (n / base) % 60, n % base];
    const [hours, minutes, seconds, frames] = parts.map(p => String(Math.floor(p)).padStart(2, "0"));
    return `${hours}:${minutes}:${seconds}${drops ? ";" : ":"}${frames}`;
  };
}
