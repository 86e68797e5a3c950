import { secureUrl } from '../api/resources.ts'
import { checkServer } from '../protocol/server.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SessionRecord } from '../session/record.ts'

/** The server as a session knows it: its tokens go nowhere else. */
export const knownServer =
  (issuer: string, server: () => Promise<ServerMetadata>) =>
  async (record: SessionRecord | undefined): Promise<ServerMetadata> => {
    try {
      return checkServer({ ...record?.endpoints }, { issuer, secureUrl })
    } catch {
      // Nobody was signed in, an older version has stored the session, or it was edited.
      return server()
    }
  }
