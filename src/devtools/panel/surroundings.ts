import type { ReactiveControllerHost } from 'lit'

export type Size = 'wide' | 'middle' | 'narrow'

const sizeOf = (width: number): Size => (width >= 1100 ? 'wide' : width > 760 ? 'middle' : 'narrow')

type Host = ReactiveControllerHost & HTMLElement

/** How much room the panel has, and which of light and dark the page has chosen. */
export function watchSurroundings(host: Host) {
  const page = host.ownerDocument.documentElement
  let size: Size = 'wide'
  let measured: Element | null = null
  const themes = new MutationObserver(() => host.requestUpdate())
  const sizes = new ResizeObserver(() => update())

  function update(): void {
    const next = measured ? sizeOf(measured.clientWidth) : size
    if (next === size) return
    size = next
    host.requestUpdate()
  }

  function measure(element: Element | null): void {
    if (element === measured) return
    sizes.disconnect()
    measured = element
    if (element) sizes.observe(element)
    update()
  }

  host.addController({
    hostConnected: () => themes.observe(page, { attributeFilter: ['data-theme'] }),
    hostUpdated: () => measure(host.shadowRoot?.querySelector('.body') ?? null),
    hostDisconnected() {
      themes.disconnect()
      measure(null)
    },
  })
  return { size: () => size, theme: () => page.dataset['theme'] }
}
