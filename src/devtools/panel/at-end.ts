import type { ReactiveElement } from 'lit'
import type { Step } from '../steps.ts'

interface AtEndOptions {
  steps: () => readonly Step[]
  /** A part of the recording begins or ends: somebody pressed a button, and wants to see what comes of it. */
  onPart: () => void
}

const isBoundary = (step: Step | undefined) => step?.type === 'cut' || step?.type === 'verdict'

/** Shows the latest step where a part begins or ends, and else to those only who saw the one before it. */
export function stayAtEnd(host: ReactiveElement, { steps, onPart }: AtEndOptions): void {
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
      const newest = steps().at(-1)
      const isPart = host.hasUpdated && isBoundary(newest) && newest.id !== before.at(-1)?.id
      if (isPart) onPart()
      isAtEnd = isPart || (row ? isVisible(row) : false)
      before = steps()
    },
    hostUpdated() {
      if (isAtEnd) last()?.scrollIntoView({ block: 'nearest' })
    },
  })
}
