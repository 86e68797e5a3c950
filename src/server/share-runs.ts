/**
 * Runs the task once for all who ask before it begins: whoever asks while it runs waits for the next run, because this one may
 * have read what is no longer so. There are never more than two under way, however many ask.
 */
export function shareRuns<T>(task: () => Promise<T>): () => Promise<T> {
  let running: Promise<void> | undefined
  let next: Promise<T> | undefined

  function start(): Promise<T> {
    next = undefined
    const run = task()
    const over = run.then(ignore, ignore).then(() => {
      if (running === over) running = undefined
    })
    running = over
    return run
  }
  return () => (running ? (next ??= running.then(start)) : start())
}

const ignore = (): void => {}
