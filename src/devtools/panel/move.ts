const moves: Readonly<Record<string, (at: number, length: number) => number>> = {
  ArrowDown: (at, length) => Math.min(at + 1, length - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, length) => length - 1,
}

/** Moves the focus between steps. */
export function moveBetween(event: KeyboardEvent): void {
  const move = moves[event.key]
  const list = event.currentTarget as Element
  const buttons = [...list.querySelectorAll<HTMLElement>('[data-id]')]
  const at = buttons.indexOf(event.target as HTMLElement)
  if (!move || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  buttons[move(at, buttons.length)]?.focus()
}

export const idOf = (event: Event): string | undefined =>
  (event.target as Element).closest<HTMLElement>('[data-id]')?.dataset['id']
