// Orders from one tab to another: what a person with two tabs would do with both hands.

export type Order = 'renew' | 'sign-out'
type Word =
  | { say: 'is anybody there?' }
  | { say: 'here' }
  | { say: 'do'; order: Order }
  | { say: 'done'; order: Order }

/** Other kinds of token have other sessions: their tabs do not hear each other. */
export function openTabs(kind: string, obey?: (order: Order) => Promise<unknown>) {
  const channel = new BroadcastChannel(`playground ${kind}`)
  const say = (word: Word) => channel.postMessage(word)
  /** Resolves to whether somebody says it in time. */
  const hear = (isIt: (word: Word) => boolean, milliseconds: number) =>
    new Promise<boolean>((resolve) => {
      const stop = new AbortController()
      const end = (heard: boolean) => {
        stop.abort()
        resolve(heard)
      }
      setTimeout(() => end(false), milliseconds)
      channel.addEventListener('message', ({ data }) => isIt(data as Word) && end(true), {
        signal: stop.signal,
      })
    })

  if (obey) {
    channel.addEventListener('message', ({ data }) => {
      const word = data as Word
      if (word.say === 'is anybody there?') say({ say: 'here' })
      if (word.say === 'do')
        void obey(word.order).finally(() => say({ say: 'done', order: word.order }))
    })
  }

  return {
    /** Tells the others that this tab is ready. */
    ready: () => say({ say: 'here' }),

    /** Makes sure that there is another tab, in a window beside this one. */
    async find(): Promise<boolean> {
      const isHere = (word: Word) => word.say === 'here'
      say({ say: 'is anybody there?' })
      if (await hear(isHere, 400)) return true
      const opened = hear(isHere, 10_000)
      openTab(kind, 'popup,width=520,height=720')
      return opened
    },

    /** Lets the other tab do something. Resolves to whether it has. */
    order(order: Order): Promise<boolean> {
      const done = hear((word) => word.say === 'done' && word.order === order, 10_000)
      say({ say: 'do', order })
      return done
    },
  }
}

/** Opens a tab that takes orders. It shares nothing with this one but the origin. */
export function openTab(kind: string, features = ''): void {
  window.open(`/?tab&kind=${kind}`, '_blank', ['noopener', features].filter(Boolean).join(','))
}
