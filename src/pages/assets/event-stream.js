// @ts-check
/**
 * Server-sent events by fetch. Not by EventSource: it does not tell why it was refused, and cannot go on where an earlier
 * one ended.
 *
 * @typedef {{ event: string, id: string, data: any }} StreamEvent
 */

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} heard Called for all that comes, comments too.
 * @returns {AsyncGenerator<StreamEvent>} `data` is parsed; null for an event that only tells its id.
 */
export async function* eventsOf(body, heard) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    // The rest, if there is one, is not wanted; that it can no longer be had is no trouble.
    reader.cancel().catch(() => undefined);
  }
}

/** @param {string} block Its lines. @returns {StreamEvent | undefined} */
function eventOf(block) {
  const fields = { event: 'message', id: '', data: 'null' };
  for (const line of block.split('\n')) {
    const [, name, value] = /^(event|id|data): (.*)$/.exec(line) ?? [];
    if (name && value !== undefined) fields[/** @type {keyof typeof fields} */ (name)] = value;
  }
  return fields.id || fields.data !== 'null' ? { ...fields, data: JSON.parse(fields.data) } : undefined;
}
