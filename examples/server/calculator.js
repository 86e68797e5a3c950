import { html } from 'hono/html'

// How to add a feature: a page that is for users who are signed in, a form, and a route for scripts.

/** @type {Record<string, (a: number, b: number) => number>} */
const operations = {
  '+': (a, b) => a + b,
  '−': (a, b) => a - b,
  '×': (a, b) => a * b,
  '÷': (a, b) => a / b,
}

/**
 * @param {unknown} given numbers and the name of an operation
 * @returns {{ result: number } | { problem: string }}
 */
export function calculate(given) {
  const { a, b, operation } = { .../** @type {any} */ (given) }
  const [first, second] = [a, b].map((text) => (String(text ?? '').trim() ? Number(text) : NaN))
  if (!Number.isFinite(first) || !Number.isFinite(second))
    return { problem: 'Both must be numbers.' }
  if (!Object.hasOwn(operations, operation)) return { problem: 'Choose what to do with them.' }
  const result = operations[operation](first, second)
  return Number.isFinite(result) ? { result } : { problem: 'That has no result.' }
}

/**
 * @param {import('./app.js').App} app
 * @param {import('./app.js').Parts} parts
 */
export function addCalculator(app, { auth, show }) {
  app.get('/calculator', async (c) => {
    const session = await auth.session(c.req.raw)
    if (session.status !== 'signed-in') return auth.signIn(c.req.raw)
    return show(c, { title: 'Calculator', body: form(session.csrfToken, {}) })
  })

  app.post('/calculator', async (c) => {
    const session = await auth.session(c.req.raw)
    if (session.status !== 'signed-in') return auth.signIn(c.req.raw)
    const given = await c.req.parseBody()
    const body = form(session.csrfToken, { ...given, ...calculate(given) })
    return show(c, { title: 'Calculator', body })
  })

  app.post('/api/calculate', async (c) => {
    const session = await auth.session(c.req.raw)
    if (session.status !== 'signed-in') return auth.signIn(c.req.raw)
    const answer = calculate(await c.req.json().catch(() => undefined))
    return c.json(answer, 'problem' in answer ? 400 : 200)
  })
}

/**
 * @param {string} csrfToken
 * @param {Record<string, unknown>} given
 */
function form(csrfToken, { a = '', b = '', operation = '+', result, problem }) {
  return html`
    <section>
      <p class="hint">
        A protected page, and the place to look at when you add a feature:
        <code>calculator.js</code>. The form works without scripts; its hidden field proves that it
        is ours.
      </p>
      ${problem ? html`<p role="alert">${problem}</p>` : ''}
      <form method="post" action="/calculator" class="calculator">
        <input type="hidden" name="csrf_token" value="${csrfToken}" />
        <input
          name="a"
          value="${a}"
          aria-label="First number"
          inputmode="decimal"
          autocomplete="off"
          required
        />
        <select name="operation" aria-label="Operation">
          ${Object.keys(operations).map(
            (name) => html`<option ${name === operation ? 'selected' : ''}>${name}</option>`,
          )}
        </select>
        <input
          name="b"
          value="${b}"
          aria-label="Second number"
          inputmode="decimal"
          autocomplete="off"
          required
        />
        <button class="first">Calculate</button>
      </form>
      <p role="status" aria-label="Result" class="answer">
        ${result === undefined ? '' : html`= ${result}`}
      </p>
    </section>
  `
}
