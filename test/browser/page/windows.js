/* global pkceClient */
// An app that signs in in a window or a frame, and at /relay a page that only hands answers on.
const { clients, inMemory } = JSON.parse(document.getElementById('options').textContent)
const { PkceClient, iframe, memoryStore, popup, redirect, relayAnswer } = pkceClient

function startApp() {
  const auth = new PkceClient({
    ...clients[0],
    ...(inMemory && { store: memoryStore(), transactionStore: memoryStore() }),
    navigator: [popup(), redirect(), iframe()],
  })
  globalThis.auth = auth
  const add = (name, role) => {
    const element = document.body.appendChild(document.createElement(name))
    if (role) element.setAttribute('role', role)
    return element
  }
  const status = add('p', 'status')
  const outcomes = add('ol', 'log')
  const signIns = {
    'Sign in': () => auth.signIn(),
    'Sign in, or leave': () => auth.signIn({ navigator: popup({ fallback: redirect() }) }),
    'Sign in silently': () => auth.signIn({ navigator: iframe() }),
  }
  for (const [label, signIn] of Object.entries(signIns)) {
    const button = add('button')
    button.textContent = label
    button.onclick = () => {
      const tell = (text) => {
        outcomes.appendChild(document.createElement('li')).textContent = text
      }
      signIn().then(
        () => tell('signed in'),
        (error) => tell(error.code ?? String(error)),
      )
    }
    // As a script does, long after the last click.
    if (new URLSearchParams(location.search).get('by-itself') === label)
      setTimeout(button.onclick, 6_000)
  }
  const show = () => {
    const { claims, status: word } = auth.getSession()
    status.textContent = `${word} ${claims?.name ?? ''}`.trim()
  }
  auth.subscribe(show)
  auth.start().then(show, (error) => (status.textContent = error.code))
}

if (location.pathname === '/relay') {
  relayAnswer().then((isReceived) => {
    if (!isReceived) location.replace(`/${location.search}`)
  })
} else startApp()
