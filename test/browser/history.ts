import type { Page } from 'playwright-core'

/**
 * In Firefox, Playwright does not notice that a page has come back from the back/forward cache, and would wait for it for
 * ever. So after going back it is told not to wait, until the test is over.
 */
export const waitForNavigations = (wait: boolean) =>
  (process.env['PLAYWRIGHT_SKIP_NAVIGATION_CHECK'] = wait ? '' : 'yes')

/** Goes back this many pages. */
export async function goBack(page: Page, pages = 1): Promise<void> {
  await page.evaluate((steps) => history.go(-steps), pages)
  waitForNavigations(false)
}
