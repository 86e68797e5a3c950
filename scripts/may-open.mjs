/**
 * Whether a page may be opened in the user's browser: not in CI, not where there is no terminal or screen, and not with --no-open.
 * @param {{ args: string[], env: NodeJS.ProcessEnv, isTerminal: boolean, platform: NodeJS.Platform }} place
 */
export function mayOpen({ args, env, isTerminal, platform }) {
  const hasScreen = platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
  return !args.includes('--no-open') && !env.CI && isTerminal && hasScreen
}
