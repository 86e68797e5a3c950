/* global pkceClient */
// A page without a build: the global of the <script> build, and one section for each client it is told to make.
const { clients, signsInByItself } = JSON.parse(document.getElementById('options').textContent)

for (const { store, signIn, use = [], ...options } of clients) {
  const auth = new pkceClient.PkceClient({
    ...options,
    redirectUri: new URL('/callback', location.origin).href,
    postSignOutRedirectUri: new URL('/', location.origin).href,
    use: use.map((name) => pkceClient[name]()),
    ...(store === 'session' && { store: pkceClient.webStorageStore(sessionStorage) }),
    ...(store === 'indexed-db' && { store: pkceClient.indexedDbStore() }),
  })
  // For tests that have no use for buttons.
  globalThis.auth = auth

  const section = document.createElement('section')
  section.setAttribute('aria-label', options.clientId)
  const add = (name, role) => {
    const element = document.createElement(name)
    if (role) element.setAttribute('role', role)
    section.append(element)
    return element
  }
  const status = add('p', 'status')
  const alert = add('p', 'alert')
  const answer = add('output')
  const buttons = {
    'Sign in': () => auth.signIn({ returnTo: '/', ...signIn }),
    'Sign out': () => auth.signOut({ redirect: false }),
    'Leave the server': () => auth.signOut(),
    'Ask the server': async () => (answer.textContent = (await auth.getUserInfo()).name),
    'Call the API': async () => {
      const response = await auth.fetch(`${options.resources[0]}users/me`)
      answer.textContent = `${response.status} ${(await response.json()).name}`
    },
  }
  const showError = ({ code }) => (alert.textContent = code)
  for (const [label, action] of Object.entries(buttons)) {
    const button = add('button')
    button.textContent = label
    button.onclick = () => {
      answer.textContent = ''
      void action().catch(showError)
    }
  }
  document.body.append(section)

  const show = () => {
    const { reason, claims, status: word } = auth.getSession()
    status.textContent = `${word} ${reason ?? claims?.name ?? claims?.sub ?? ''}`
  }
  auth.subscribe(show)
  void auth
    .start()
    .catch(showError)
    .then(show)
    .then(() => {
      if (signsInByItself && auth.getSession().status === 'signed-out') return auth.signIn()
    })
    .catch(showError)
}
