import { startPostgres, startRedis } from './database-servers.ts'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    redis: string
    redisCluster: string
    postgres: string
  }
}

/** One server of each kind for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // One after the other, because each may have to be installed.
  const redis = await startRedis()
  const cluster = await startRedis({ cluster: true })
  const postgres = await startPostgres()
  project.provide('redis', redis.url)
  project.provide('redisCluster', cluster.url)
  project.provide('postgres', postgres.url)
  return async () => {
    await Promise.all([redis, cluster, postgres].map((server) => server.stop()))
  }
}
