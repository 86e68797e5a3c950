import type { Navigation, Navigator } from '../../src/navigation/navigator.ts'

/** A navigator that keeps the page, as a popup does, with what goes on beside the page. */
export const keepingPage = (
  go: Navigation['go'],
  more: Partial<Navigation> & { opened?: () => void } = {},
): Navigator => ({
  open: () => {
    more.opened?.()
    return { mode: 'popup', leavesPage: false, go, close: () => undefined, ...more }
  },
})
