import { randomToken } from './encoding.ts'
import { reply } from './http.ts'
import type { Reply } from './http.ts'
import { scopeWords } from './scopes.ts'
import type { User } from './options.ts'
import type { Interaction, SignOut } from './sessions.ts'

const css = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1b1f24, #e8ecf1);
  --muted: light-dark(#57606a, #9aa5b1);
  --page: light-dark(#f3f5f8, #0e1217);
  --card: light-dark(#fff, #161b22);
  --line: light-dark(#d8dee5, #2b333d);
  --accent: light-dark(#0b5cad, #7cbcff);
  --on-accent: light-dark(#fff, #0b1622);
  --tint: light-dark(#e8f1fb, #14273b);
  --bad: light-dark(#a40e26, #ff9aa5);
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
main {
  width: 100%; max-width: 24rem; padding: 1.75rem; border-radius: 10px;
  background: var(--card); border: 1px solid var(--line); box-shadow: 0 8px 24px #0001;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 0.5rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
p.place { color: var(--muted); font-size: 0.875rem; margin: 1.25rem 0 0; }
.hint {
  margin: 0 0 1.25rem; padding: 0.75rem 1rem; border-radius: 7px; background: var(--tint);
}
.hint p { margin: 0 0 0.25rem; }
.hint ul { margin: 0; }
code { font: 0.9375em ui-monospace, monospace; }
p[role='alert'] { color: var(--bad); font-weight: 600; }
p[role='alert']::first-letter { text-transform: uppercase; }
label { display: block; margin: 0 0 0.25rem; font-weight: 600; }
input {
  display: block; width: 100%; margin: 0 0 1rem; padding: 0.625rem 0.75rem; font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--muted); border-radius: 7px;
}
ul { margin: 0 0 1.25rem; padding-left: 1.25rem; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; }
button {
  flex: 1 1 8rem; padding: 0.625rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border: 1px solid var(--accent); border-radius: 7px;
  background: var(--accent); color: var(--on-accent);
}
button.second { border-color: var(--line); background: var(--card); color: inherit; }
button.second:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

interface Page {
  title: string
  /** HTML, already escaped. */
  main: string
  status?: number
}

function page({ title, main, status = 200 }: Page): Reply {
  const nonce = randomToken()
  return reply(status, {
    headers: [
      ['content-type', 'text/html; charset=utf-8'],
      ['cache-control', 'no-store'],
      [
        'content-security-policy',
        `default-src 'none'; style-src 'nonce-${nonce}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
      ],
      ['x-frame-options', 'DENY'],
      ['cross-origin-opener-policy', 'same-origin'],
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'same-origin'],
    ],
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${css}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${main}
</main>
</body>
</html>
`,
  })
}

const alert = (sentence: string): string => `<p role="alert">${escapeHtml(sentence)}</p>`

/** The fields that tie a form to the request, and to the browser it was opened in. */
function form(action: string, waiting: { id: string; csrf: string }): string {
  return `<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="interaction" value="${waiting.id}">
<input type="hidden" name="csrf" value="${waiting.csrf}">`
}

export function loginPage(
  interaction: Interaction,
  {
    action,
    issuer,
    testUsers,
    problem,
    username,
  }: {
    action: string
    issuer: string
    /** Whom the page names with their passwords, so that a visitor need not look them up. */
    testUsers: readonly User[]
    problem?: string
    username?: string | undefined
  },
): Reply {
  const { client, loginHint } = interaction.request
  const filledIn = escapeHtml(username ?? loginHint ?? '')
  return page({
    title: 'Sign in',
    status: problem === undefined ? 200 : 401,
    main: `<p>to continue to <strong>${escapeHtml(client.name)}</strong></p>
${testUsers.length > 0 ? testUserList(testUsers) : ''}
${problem === undefined ? '' : alert(problem)}
${form(action, interaction)}
<label for="username">Username</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${filledIn}"${filledIn === '' ? ' autofocus' : ''}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${filledIn === '' ? '' : ' autofocus'}>
<div class="buttons"><button type="submit">Sign in</button></div>
</form>
<p class="place">You are at ${escapeHtml(issuer)}</p>`,
  })
}

function testUserList(users: readonly User[]): string {
  const items = users.map(
    ({ username, password }) =>
      `<li><code>${escapeHtml(username)}</code>, password <code>${escapeHtml(password)}</code></li>`,
  )
  return `<div class="hint"><p>Test server. Sign in as:</p>
<ul>
${items.join('\n')}
</ul></div>`
}

export function secondFactorPage(
  interaction: Interaction,
  {
    action,
    issuer,
    testCode,
    problem,
  }: {
    action: string
    issuer: string
    /** Shown on the page, so that a visitor need not look it up. */
    testCode: string | undefined
    problem: string | undefined
  },
): Reply {
  const { client } = interaction.request
  return page({
    title: 'Enter your code',
    status: problem === undefined ? 200 : 401,
    main: `<p><strong>${escapeHtml(client.name)}</strong> asks for a second factor.</p>
${testCode === undefined ? '' : `<div class="hint"><p>Test server. The code is <code>${escapeHtml(testCode)}</code></p></div>`}
${problem === undefined ? '' : alert(problem)}
${form(action, interaction)}
<label for="code">Code</label>
<input id="code" name="code" autocomplete="one-time-code" inputmode="numeric" required autofocus>
<div class="buttons"><button type="submit">Continue</button></div>
</form>
<p class="place">You are at ${escapeHtml(issuer)}</p>`,
  })
}

export function consentPage(
  interaction: Interaction,
  { action, issuer }: { action: string; issuer: string },
): Reply {
  const { client, scope, authorizationDetails } = interaction.request
  const user = interaction.session!.user
  const items = [
    ...scope.map((entry) => escapeHtml(scopeWords[entry] ?? entry)),
    ...authorizationDetails.map(
      ({ type, ...rest }) =>
        `${escapeHtml(type)}: <code>${escapeHtml(JSON.stringify(rest))}</code>`,
    ),
  ].map((item) => `<li>${item}</li>`)
  return page({
    title: `Allow ${client.name}?`,
    main: `<p>You are signed in as <strong>${escapeHtml(user.name ?? user.username)}</strong>.
<strong>${escapeHtml(client.name)}</strong> asks to:</p>
<ul>
${items.join('\n')}
</ul>
${form(action, interaction)}
<div class="buttons">
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" class="second">Deny</button>
</div>
</form>
<p class="place">You are at ${escapeHtml(issuer)}</p>`,
  })
}

export function signOutPage(signOut: SignOut, { action }: { action: string }): Reply {
  const { user } = signOut.session
  return page({
    title: 'Sign out?',
    main: `<p>You are signed in as <strong>${escapeHtml(user.name ?? user.username)}</strong>.</p>
${form(action, signOut)}
<div class="buttons"><button type="submit">Sign out</button></div>
</form>`,
  })
}

export function signedOutPage(): Reply {
  return page({ title: 'Signed out', main: '<p>You are signed out. You can close this page.</p>' })
}

export function errorPage(sentence: string, status = 400): Reply {
  return page({
    title: 'This did not work',
    status,
    main: `${alert(sentence)}
<p>The app that sent you here made a mistake, or the page is too old. Go back to the app and try again.</p>`,
  })
}
