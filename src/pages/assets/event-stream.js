// @ts-check
/**
 * Server-sent events with fetch. EventSource does not provide the status of an error response, and cannot resume after an
 * event of an earlier stream.
 *
 * @typedef {{ event: string, id: string, data: any }} StreamEvent
 */

/**
 * Yields the events of a response body.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onData Is called for all data, including comments.
 * @returns {AsyncGenerator<StreamEvent>} `data` is parsed; null for an event that has only an id.
 */
export async function* eventsOf(body, onData) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onData();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    // The rest of the stream is not needed, so an error of the cancellation has no effect.
    reader.cancel().catch(() => undefined);
  }
}

/** @param {string} block Lines of one event. @returns {StreamEvent | undefined} */
function eventOf(block) {
  const fields = { event: 'message', id: '', data: 'null' };
  for (const line of block.split('\n')) {
    const [, name, value] = /^(event|id|data): (.*)$/.exec(line) ?? [];
    if (name && value !== undefined) fields[/** @type {keyof typeof fields} */ (name)] = value;
  }
  return fields.id || fields.data !== 'null' ? { ...fields, data: JSON.parse(fields.data) } : undefined;
}
