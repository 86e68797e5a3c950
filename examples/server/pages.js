import { html } from 'hono/html'

/** @typedef {import('pkce-client/server').ServerSession} ServerSession */
/** @typedef {ReturnType<typeof html>} Html */

/**
 * The frame of all pages.
 * @param {{ title: string, body: Html, session?: ServerSession | undefined, development?: boolean }} page
 */
export const layout = ({ title, body, session, development }) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Server example</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body class="plain">
        <header>
          <h1>${title}</h1>
          <p role="status" aria-label="Session">${describe(session)}</p>
          <nav aria-label="Pages">
            <a href="/">Home</a>
            <a href="/calculator">Calculator</a>
            <a href="/profile">Profile</a>
            <a href="/app/">React page</a>
            ${development ? html`<a href="/debug-info">Debug info</a>` : ''}
            ${
              session?.status === 'signed-in'
                ? html`<a href="/logout">Sign out</a>`
                : html`<a href="/login">Sign in</a>`
            }
          </nav>
        </header>
        <main class="plain">${body}</main>
      </body>
    </html>`

/** @param {ServerSession | undefined} session */
function describe(session) {
  if (session?.status !== 'signed-in') return 'Signed out.'
  return `Signed in as ${session.claims?.name ?? session.claims?.sub ?? 'somebody'}.`
}

/** @param {ServerSession} session */
export const home = (session) => html`
  <section>
    <h2>A back end that keeps the tokens</h2>
    <p>
      This browser has one cookie, which scripts cannot read and which means nothing elsewhere. The
      tokens are on the server.
    </p>
    ${
      session.status === 'signed-in'
        ? html`<div class="buttons">
            <a class="button first" href="/calculator">Calculate something</a>
            <a class="button" href="/profile">Ask the API</a>
            <a class="button" href="/logout">Sign out</a>
          </div>`
        : html`<p class="hint">Sign in as <b>ada</b> with the password <b>lovelace</b>.</p>
            <div class="buttons"><a class="button first" href="/login">Sign in</a></div>`
    }
  </section>
  <section>
    <h2>What to look at</h2>
    <dl>
      <dt><a href="/calculator">Calculator</a></dt>
      <dd>a protected page, a form and a route for scripts: how to add a feature</dd>
      <dt><a href="/profile">Profile</a></dt>
      <dd>the back end calls an API for the user, with a token that it refreshes when it is due</dd>
      <dt><a href="/app/">React page</a></dt>
      <dd>the same session in a single-page app, by <code>backEndSession()</code></dd>
    </dl>
  </section>
`

export const login = () => html`
  <section>
    <p>You go to the sign-in server, and come back here.</p>
    <p class="hint">
      Sign in as <b>ada</b> with the password <b>lovelace</b>, or as <b>grace</b> with
      <b>hopper</b>.
    </p>
    <div class="buttons">
      <a class="button first" href="/auth/login?returnTo=/">Sign in</a>
      <a class="button" href="/auth/login?returnTo=/&prompt=login">Sign in as somebody else</a>
    </div>
  </section>
`

/** @param {string} csrfToken */
export const logout = (csrfToken) => html`
  <section>
    <p>You will be signed out here, in all tabs, and at the sign-in server.</p>
    <form method="post" action="/auth/logout">
      <input type="hidden" name="csrf_token" value="${csrfToken}" />
      <div class="buttons">
        <button class="first">Sign out</button>
        <a class="button" href="/">Stay signed in</a>
      </div>
    </form>
  </section>
`

/** @param {unknown} answer of the API */
export const profile = (answer) => html`
  <section>
    <p class="hint">
      What the API says, which was called with <code>session.fetch()</code>. The token did not leave
      the server.
    </p>
    <pre tabindex="0" aria-label="Answer of the API">${JSON.stringify(answer, null, 2)}</pre>
  </section>
`

/** @param {Record<string, unknown>} facts */
export const facts = (facts) => html`
  <section>
    <p class="hint">
      For development only: elsewhere this page does not exist. Secrets are shortened.
    </p>
    <dl>
      ${Object.entries(facts).map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd><code>${value}</code></dd>`,
      )}
    </dl>
  </section>
`

/** @param {{ text: string, code?: string | undefined }} problem */
export const problem = ({ text, code }) => html`
  <section>
    <p role="alert">${text}</p>
    ${code ? html`<p class="hint">Error code: <code>${code}</code></p>` : ''}
    <div class="buttons">
      <a class="button first" href="/">Home</a>
      ${code ? html`<a class="button" href="/login">Sign in again</a>` : ''}
    </div>
  </section>
`
