// Asks 政问 and shows each sentence as it comes, then the quotes it rests on. Needs Node 18 or a browser, and no package.
//
//   node ask.mjs http://127.0.0.1:8000 "2021年全球计算设备算力总规模是多少？" [KEY]

/** Headers of every request; without a key none is sent. */
const headersOf = (key) => ({ 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) });

/** The body of a good response; an error with the problem details of any other. */
async function checked(response) {
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Error(`${response.status} ${problem.detail ?? problem.error?.message ?? response.statusText}`);
}

/** Yields {name, data} of each server-sent event: passages, sentence and at last answer, or error. */
export async function* ask(base, question, { key, history = [], filters, signal } = {}) {
  const body = JSON.stringify({ question, history, filters, stream: true });
  const response = await checked(await fetch(`${base}/api/ask`, { method: 'POST', headers: headersOf(key), body, signal }));
  let rest = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/:\s?(.*)/s, 2)));
      if (fields.data !== undefined) yield { name: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

/** The canonical text of a document. */
export async function textOf(base, docId, { key } = {}) {
  const path = docId.split('/').map(encodeURIComponent).join('/');
  const response = await checked(await fetch(`${base}/api/documents/${path}`, { headers: headersOf(key) }));
  return (await response.json()).text;
}

async function main([base, question, key]) {
  for await (const { name, data } of ask(base, question, { key })) {
    if (name === 'sentence') process.stdout.write(data.text);
    if (name === 'error') throw new Error(`${data.status} ${data.detail}`);
    if (name !== 'answer') continue;
    if (data.status === 'refused') process.stdout.write(data.answer);
    process.stdout.write('\n');
    for (const citation of data.citations) {
      // JavaScript counts UTF-16 units, so these offsets cut, not `start` and `end`.
      const text = await textOf(base, citation.doc_id, { key });
      const quote = text.slice(citation.start_utf16, citation.end_utf16);
      console.log(`[${citation.marker}] ${citation.title}「${quote}」`);
    }
  }
}

if (globalThis.process?.argv[1] === new URL(import.meta.url).pathname) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message, error.cause?.message ?? '');
    process.exitCode = 1;
  });
}
