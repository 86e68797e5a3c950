import { Redis } from 'ioredis'

/** Makes a cluster of a server that is alone, unless it is one already. */
export async function formCluster(url: string): Promise<void> {
  const node = new Redis(url)
  const isOk = async () => (await node.cluster('INFO')).includes('cluster_state:ok')
  if (!(await isOk())) await node.cluster('ADDSLOTSRANGE', 0, 16_383).catch(() => {})
  while (!(await isOk())) await new Promise((resolve) => setTimeout(resolve, 50))
  await node.quit()
}
