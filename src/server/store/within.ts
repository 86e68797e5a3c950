import type { Clock } from '../../clock.ts'

/** Waits so many milliseconds for the work, which goes on when that was too short. */
export async function within<T>(
  milliseconds: number,
  { clock, late, work }: { clock: Clock; late: () => Error; work: () => Promise<T> },
): Promise<T> {
  let cancel!: () => void
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.setTimeout(() => reject(late()), milliseconds)
  })
  try {
    return await Promise.race([work(), tooLate])
  } finally {
    cancel()
  }
}
