import type { ReactiveControllerHost } from 'lit'
import type { Step } from '../steps.ts'

type Host = ReactiveControllerHost & HTMLElement

/** Shows the latest step to those who saw the one before it, and leaves everybody else where they are. */
export function stayAtEnd(host: Host, steps: () => readonly Step[]): void {
  let before = steps()
  let isAtEnd = false
  const last = () => host.shadowRoot?.querySelector('.seq > :last-child')

  function isVisible(row: Element): boolean {
    const { top, bottom, height } = row.getBoundingClientRect()
    const dock = host.shadowRoot?.querySelector('.dock .body')?.getBoundingClientRect()
    const end = dock?.bottom ?? host.ownerDocument.defaultView?.innerHeight ?? 0
    return height > 0 && top < end && bottom > (dock?.top ?? 0)
  }

  host.addController({
    hostUpdate() {
      const row = steps() === before ? undefined : last()
      isAtEnd = row ? isVisible(row) : false
      before = steps()
    },
    hostUpdated() {
      if (isAtEnd) last()?.scrollIntoView({ block: 'nearest' })
    },
  })
}
