/* global pkceClient */
// An app at a server that demands everything: a popup, DPoP with nonces, pushed requests, a token for each of two APIs.
function start() {
  const { clients } = JSON.parse(document.getElementById('options').textContent)
  const { PkceClient, dpop, popup, pushedRequests } = pkceClient
  const [{ issuer, clientId, scope, resources }] = clients
  const auth = new PkceClient({
    issuer,
    clientId,
    scope,
    redirectUri: `${location.origin}/callback`,
    resources: resources.map((url) => ({ url, resource: `urn:${url.split('/').at(-2)}` })),
    navigator: popup(),
    use: [dpop(), pushedRequests()],
  })
  const add = (name, role) => {
    const element = document.body.appendChild(document.createElement(name))
    element.setAttribute('role', role)
    return element
  }
  const status = add('p', 'status')
  const log = add('ol', 'log')
  const tell = (text) => {
    log.appendChild(document.createElement('li')).textContent = text
  }
  const button = (label, work) => {
    const element = add('button', 'button')
    element.textContent = label
    element.onclick = () => work().then(tell, (error) => tell(error.code ?? String(error)))
  }
  const call = async (url) => {
    const answer = await auth.fetch(url)
    return `${answer.status} ${new URL(url).pathname} ${(await answer.json()).name}`
  }
  button('Sign in', async () => {
    const { claims } = await auth.signIn({ prompt: 'consent' })
    return `signed in ${claims.sub}`
  })
  button('Call both', async () => (await Promise.all(resources.map(call))).join(', '))
  const show = () => {
    status.textContent = auth.getSession().status
  }
  auth.subscribe(show)
  auth.start().then(show, (error) => tell(error.code))
}
start()
