import { randomToken } from './encoding.ts'

/** The nonces of DPoP proofs (RFC 9449 §8 and §9). The server and each API have their own. */
export interface DpopNonces {
  current(of: string): string
  accepts(nonce: unknown, of: string): boolean
  /** A new one, and the one before it is not accepted any more. */
  replace(of: string): void
}

const lifetime = 5 * 60_000
const grace = 60_000

interface Nonce {
  value: string
  since: number
}

export function createDpopNonces(now: () => number): DpopNonces {
  const all = new Map<string, Nonce[]>()
  const make = (of: string, before: readonly Nonce[]): Nonce => {
    const nonce = { value: randomToken(), since: now() }
    all.set(of, [nonce, ...before])
    return nonce
  }
  const current = (of: string): Nonce => {
    const [latest, ...rest] = all.get(of) ?? []
    if (latest && now() < latest.since + lifetime) return latest
    return make(of, latest ? [latest, ...rest] : [])
  }
  return {
    current: (of) => current(of).value,
    accepts(value, of) {
      current(of)
      const nonce = all.get(of)!.find((candidate) => candidate.value === value)
      return nonce !== undefined && now() < nonce.since + lifetime + grace
    },
    replace: (of) => void make(of, []),
  }
}

/** Proofs that were seen, so that none is taken twice. */
export interface Proofs {
  /** False for one that was taken before. */
  take(id: string): boolean
}

export function createProofs(): Proofs {
  const seen = new Set<string>()
  return {
    take: (id) => seen.size < seen.add(id).size,
  }
}
