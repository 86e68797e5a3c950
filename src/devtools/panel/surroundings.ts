export type Size = 'wide' | 'middle' | 'narrow'

const sizeOf = (width: number): Size => (width >= 1100 ? 'wide' : width > 760 ? 'middle' : 'narrow')

interface Surroundings {
  /** Measures this element from now on, and no other. */
  measure(element: Element | null): void
  stop(): void
}

/** Watches how much room the panel has, and which of light and dark the page has chosen. */
export function watch(
  document: Document,
  hear: { size: (size: Size) => void; theme: (theme: string | undefined) => void },
): Surroundings {
  const page = document.documentElement
  const tellTheme = () => hear.theme(page.dataset['theme'])
  const themes = new MutationObserver(tellTheme)
  themes.observe(page, { attributeFilter: ['data-theme'] })
  tellTheme()
  const sizes = new ResizeObserver(([entry]) => entry && hear.size(sizeOf(entry.contentRect.width)))
  let measured: Element | null = null
  return {
    measure(element) {
      if (element === measured) return
      sizes.disconnect()
      measured = element
      if (!element) return
      hear.size(sizeOf(element.clientWidth))
      sizes.observe(element)
    },
    stop() {
      sizes.disconnect()
      themes.disconnect()
    },
  }
}
