// The stream of what changes (server-sent events), read with fetch: it tells why a line was refused, which EventSource hides.

import { api, line as asked } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4_000;
const REFUSED_WAIT_MS = 20_000; // asking again will not help; somebody may open the new address meanwhile
const SILENCE_MS = 40_000; // the service says something every 15 s: then the line is dead, and made anew

const pause = ms => new Promise(done => setTimeout(done, ms));

/**
 * Keep a line to the service for as long as the page lives.
 * `heard(event)` gets every ServiceEvent; `line(state)` is told "open", "lost" (it tries again by itself) or "refused".
 * After a loss the service is asked for what came since; where it no longer knows, `missed` is heard instead.
 */
export async function listen(heard, line) {
  let last = null, wait = FIRST_WAIT_MS;
  for (;;) {
    let state = "lost";
    const silence = new AbortController();
    const end = () => silence.abort(); // who does not answer is not listened to: the line is made anew, or told to be lost
    asked.addEventListener("unanswered", end, { once: true });
    try {
      const response = await fetch(api.events, {
        headers: last === null ? {} : { "Last-Event-ID": last },
        credentials: "same-origin", cache: "no-store", signal: silence.signal,
      });
      if ([401, 403, 429].includes(response.status)) state = "refused";
      if (!response.ok) throw new Error(`${response.status}`);
      line("open");
      wait = FIRST_WAIT_MS;
      if (last === null) heard({ kind: "missed", body: {} });
      for await (const message of messages(response.body, silence)) {
        last = message.id ?? last;
        if (message.data) heard(JSON.parse(message.data));
      }
    } catch {
      // told below: whatever ended the line, it is made anew
    }
    asked.removeEventListener("unanswered", end);
    line(state);
    await pause(state === "refused" ? REFUSED_WAIT_MS : wait);
    wait = Math.min(LONGEST_WAIT_MS, wait * 1.7);
  }
}

/** Messages of an event stream: `{id, data}`; `data` is empty where only the id was said. */
async function* messages(body, silence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", id = null, data = [], alarm = 0;
  try {
    for (;;) {
      alarm = setTimeout(() => silence.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      clearTimeout(alarm);
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop();
      for (const one of lines) {
        if (one === "") {
          yield { id, data: data.join("\n") };
          data = [];
        } else if (one.startsWith("data: ")) data.push(one.slice(6));
        else if (one.startsWith("id: ")) id = one.slice(4);
      }
    }
  } finally {
    clearTimeout(alarm);
    reader.cancel().catch(() => {});
  }
}
