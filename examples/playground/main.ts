import { isPkceClientError } from 'pkce-client'
import { describeError } from '../words.ts'
import { clock, openClient } from './client.ts'
import { recall, remember } from './remembered.ts'
import { openTab, openTabs } from './tabs.ts'
import { arrive, callApi, press, renew, reset, troubles } from './troubles.ts'
import type { Session } from 'pkce-client'
import type { Stage } from './troubles.ts'

const find = (id: string) => document.getElementById(id)!

// A tab that another one opened does what that one says, with the same kind of token.
const query = new URL(location.href).searchParams
const isSecondTab = query.has('tab')
if (query.get('kind') === 'dpop') remember({ kind: 'dpop' })

const { kind } = recall()
const client = openClient(kind)
const { auth, devtools } = client
const { recording } = devtools
const tabs = openTabs(
  kind,
  isSecondTab
    ? (order) =>
        order === 'renew'
          ? renew(stage)
          : click('auth.signOut()', () => auth.signOut({ redirect: false }))
    : undefined,
)
const stage: Stage = { ...client, tabs, tell }

function tell(text: string): void {
  find('told').textContent = text
  find('told').hidden = text === ''
}

/** Records what the user clicked, and does it. */
async function click(label: string, action: () => Promise<unknown>): Promise<void> {
  recording.add({ from: 'app', to: 'client', label })
  await action()
}

/** What a button does. Nothing else happens meanwhile. */
let isBusy = false
function onClick(element: Element, action: () => Promise<unknown>): void {
  element.addEventListener('click', () => {
    if (isBusy) return tell('One moment: the last one is not over yet.')
    tell('')
    isBusy = true
    action()
      .catch((error: unknown) => {
        // They came back from the sign-in page with the back button.
        if (!isPkceClientError(error) || error.code !== 'sign_in_cancelled')
          tell(describeError(error as Error))
      })
      .finally(() => {
        isBusy = false
        showSwitches()
      })
  })
}

// The top bar.
onClick(find('sign-in'), () => {
  recording.add({ from: 'user', to: 'app', label: 'clicks “Sign in”' })
  const navigator = recall().mode === 'popup' ? client.byPopup : client.byRedirect
  return auth.signIn({ navigator })
})
onClick(find('call-api'), () => callApi(stage))
onClick(find('renew'), () => renew(stage))
onClick(find('sign-out'), () => click('auth.signOut()', () => auth.signOut()))
onClick(find('second-tab'), async () => openTab(kind))
onClick(find('theme'), async () => {
  const prefersDark = matchMedia('(prefers-color-scheme: dark)').matches
  const { theme = prefersDark ? 'dark' : 'light' } = recall()
  remember({ theme: theme === 'dark' ? 'light' : 'dark' })
  showTheme()
})
for (const button of document.querySelectorAll<HTMLElement>('[data-mode]')) {
  onClick(button, async () => remember({ mode: button.dataset['mode'] as 'redirect' | 'popup' }))
}
for (const button of document.querySelectorAll<HTMLElement>('[data-kind]')) {
  onClick(button, async () => {
    remember({ kind: button.dataset['kind'] as 'bearer' | 'dpop' })
    // Another client, with a session of its own.
    location.assign('/')
  })
}

function showTheme(): void {
  const { theme } = recall()
  if (theme) document.documentElement.dataset['theme'] = theme
}

function showSwitches(): void {
  const { mode } = recall()
  for (const button of document.querySelectorAll<HTMLElement>('.switch button')) {
    const isOn = [mode, kind].includes((button.dataset['mode'] ?? button.dataset['kind']) as never)
    button.ariaPressed = String(isOn)
  }
  for (const { name, isOn } of troubles)
    if (isOn) find(`trouble-${name}`).ariaPressed = String(isOn())
}

function showSession(): void {
  const session = auth.getSession()
  find('who').textContent = nameOf(session)
  find('who').dataset['status'] =
    session.status === 'signed-in' && session.stale ? 'stale' : session.status
  find('sign-in').hidden = session.status !== 'signed-out'
  find('sign-out').hidden = session.status !== 'signed-in'
  find('call-api').classList.toggle('main', session.status === 'signed-in')
}

function nameOf(session: Session): string {
  if (session.status === 'unknown') return 'Looking for a session…'
  if (session.status === 'signed-out') return 'Signed out'
  const { claims, stale } = session
  return `Signed in as ${claims?.name ?? claims?.sub}${stale ? ', stale' : ''}`
}

// The column "Make trouble".
for (const group of new Set(troubles.map((trouble) => trouble.group))) {
  const heading = document.createElement('h3')
  heading.textContent = group
  find('trouble').append(heading)
  for (const trouble of troubles.filter((one) => one.group === group)) {
    const button = document.createElement('button')
    button.id = `trouble-${trouble.name}`
    button.textContent = trouble.label
    onClick(button, () => press(trouble, stage))
    find('trouble').append(button)
  }
}
const resetButton = document.createElement('button')
resetButton.id = 'reset'
resetButton.textContent = 'Reset'
onClick(resetButton, () => reset(stage))
find('trouble').append(resetButton)

// On a phone the switches are in the tab "Trouble".
const phone = matchMedia('(max-width: 760px)')
const placeSwitches = () => find(phone.matches ? 'trouble' : 'actions').prepend(find('switches'))
phone.addEventListener('change', placeSwitches)

// The devtools fill the page, and the troubles are one of their columns.
new MutationObserver(() => {
  const element = find('devtools').querySelector('pkce-devtools')
  if (!element) return
  find('trouble').hidden = false
  element.append(find('trouble'))
  Object.assign(element, { clock })
}).observe(find('devtools'), { childList: true })
devtools.show(auth, { target: find('devtools') })

// What stays in sight below the top bar has to know how high that is.
new ResizeObserver(([entry]) => {
  const height = phone.matches ? 0 : entry!.borderBoxSize[0]!.blockSize
  document.documentElement.style.setProperty('--pkce-devtools-top', `${height}px`)
}).observe(document.querySelector('header')!)

auth.subscribe(showSession)
showTheme()
showSwitches()
placeSwitches()
try {
  await arrive(stage)
} catch (error) {
  tell(describeError(error as Error))
}
showSession()
tabs.ready()
