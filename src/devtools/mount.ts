import { defineElement } from './element.ts'
import type { AuthClient } from '../auth-client.ts'
import type { Clock } from '../clock.ts'
import type { Recording } from './recording.ts'

interface MountOptions {
  recording: Recording
  auth: Pick<AuthClient, 'subscribe' | 'getSession'>
  /** The clock that the client goes by. */
  clock: Clock
  parent: Element
  isDock: boolean
  open: boolean
  tab: string
}

/** Puts the panel into the page, around what is in its place already. Returns a function that takes it out. */
export function mount({ parent, isDock, ...properties }: MountOptions): () => void {
  defineElement()
  const element = document.createElement('pkce-devtools')
  Object.assign(element, properties, { layout: isDock ? 'dock' : 'page' })
  if (!isDock) element.append(...parent.childNodes)
  parent.append(element)
  return () => {
    parent.append(...element.childNodes)
    element.remove()
  }
}
