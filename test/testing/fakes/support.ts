import { createFakeBrowser } from '../../../src/testing/fakes/browser.ts'

export const twoTabs = () => {
  const browser = createFakeBrowser()
  return { browser, one: browser.openTab(), other: browser.openTab() }
}

export const nobody = () => undefined
