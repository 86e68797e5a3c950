/** Puts text on the clipboard. Resolves to false where the browser does not let the page. */
export async function copyText(text: string, window: Window | null): Promise<boolean> {
  try {
    // Missing in pages that are not secure, whatever the types say.
    await window!.navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
